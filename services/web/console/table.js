import { html } from "../html.js";

/**
 * A table that a phone shows as one block a row; its roles keep it a table for screen readers there.
 * @param {string} label @param {string[]} columns their names, the first is the rows' own
 * @param {{key: string, cells: (string | null)[]}[]} rows null where there is nothing to tell
 */
export function table(label, columns, rows) {
  const cell = (/** @type {string | null} */ text, /** @type {number} */ n) =>
    html`<td role="cell" data-name="${columns[n + 1]}" class="${text === null || text === "0" ? "none" : ""}">${text ?? "–"}</td>`;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${label}">
    <table role="table">
      <thead role="rowgroup"><tr role="row">${columns.map((name) => html`<th scope="col" role="columnheader">${name}</th>`)}</tr></thead>
      <tbody role="rowgroup">${rows.map(({ key, cells: [first, ...more] }) => html`<tr role="row" data-key="${key}"><th scope="row" role="rowheader">${first}</th>${more.map(cell)}</tr>`)}</tbody>
    </table>
  </div>`;
}
