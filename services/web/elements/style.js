const CSS = `
:host {
  --_accent: var(--tidings-accent, light-dark(#2f5bd8, #9db8ff));
  --_on-accent: var(--tidings-on-accent, light-dark(#ffffff, #0d1730));
  --_surface: var(--tidings-surface, light-dark(#ffffff, #191c23));
  --_raised: var(--tidings-raised, light-dark(#f5f6f9, #232833));
  --_text: var(--tidings-text, light-dark(#1c2130, #eef0f6));
  --_muted: var(--tidings-muted, light-dark(#5a6275, #a9b1c4));
  --_line: var(--tidings-line, light-dark(#dfe2ea, #353b49));
  --_good: var(--tidings-good, light-dark(#17693c, #7fd6a0));
  --_warn: var(--tidings-warn, light-dark(#8a4b00, #f2bd6b));
  --_bad: var(--tidings-bad, light-dark(#a8232f, #ff9da3));
  --_radius: var(--tidings-radius, 12px);
  display: block;
  color: var(--_text);
  font: var(--tidings-font, 400 1rem/1.5 system-ui, sans-serif);
  overflow-wrap: anywhere;
}
:host([hidden]) { display: none; }
* { box-sizing: border-box; margin: 0; }
p, h2, h3, strong, b, td, label, .row > span { unicode-bidi: plaintext; text-align: -webkit-match-parent; text-align: match-parent; }
button, .link {
  font: inherit; font-weight: 550; line-height: 1.3; min-height: 44px; padding: .55rem 1rem; border-radius: 9px;
  border: 1px solid var(--_line); background: var(--_surface); color: var(--_text); cursor: pointer;
  text-decoration: none; display: inline-flex; align-items: center; gap: .5rem; text-align: start;
}
button:hover, .link:hover { border-color: var(--_accent); color: var(--_accent); }
button.main, .link.main { background: var(--_accent); border-color: var(--_accent); color: var(--_on-accent); }
button.main:hover, .link.main:hover { filter: brightness(1.08); color: var(--_on-accent); }
button.started { background: color-mix(in srgb, var(--_accent) 9%, var(--_surface)); border-color: color-mix(in srgb, var(--_accent) 35%, var(--_surface)); color: var(--_accent); }
button.started:hover { border-color: var(--_accent); color: var(--_accent); filter: none; }
button:is(:disabled, [aria-disabled=true]) { cursor: progress; opacity: .88; }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.note { color: var(--_muted); font-size: .9rem; }
.whole { white-space: nowrap; }
.note:empty { display: none; }
.pill {
  --_tone: var(--_muted); display: inline-flex; align-items: center; gap: .4rem; padding: .1rem .65rem .1rem .5rem;
  border-radius: 99px; font-size: .85rem; font-weight: 600; color: var(--_tone); white-space: nowrap;
  background: color-mix(in srgb, var(--_tone) 9%, var(--_surface));
}
.pill::before { content: ""; width: .55rem; height: .55rem; border-radius: 50%; background: var(--_tone); flex: none; }
.running { --_tone: var(--_accent); }
.needs_fix { --_tone: var(--_warn); }
.finished { --_tone: var(--_good); }
.stuck { --_tone: var(--_bad); }
.quiet { --_tone: var(--_warn); }
.running.working::before { animation: breathe 1.8s ease-in-out infinite; }
@keyframes breathe { 50% { opacity: .35; transform: scale(.75); } }
progress { appearance: none; width: 100%; height: 8px; border: 0; border-radius: 99px; overflow: hidden; display: block; background: var(--_line); }
progress::-webkit-progress-bar { background: var(--_line); border-radius: 99px; }
progress::-webkit-progress-value { background: var(--_accent); border-radius: 99px; transition: inline-size .5s ease-out; }
progress::-moz-progress-bar { background: var(--_accent); border-radius: 99px; }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { button, .link, .pill, .card { border: 1px solid; } }
`;

const JOB = `
.card { background: var(--_surface); border: 1px solid var(--_line); border-radius: var(--_radius); padding: 1.1rem 1.2rem; display: grid; grid-template-columns: minmax(0, 1fr); gap: .8rem; }
.hold { min-height: var(--tidings-reserve, auto); align-content: start; }
.head { display: flex; flex-wrap: wrap; gap: .35rem .75rem; align-items: center; justify-content: space-between; }
.title { font-size: 1.02rem; font-weight: 650; line-height: 1.35; }
.meta { display: flex; flex-wrap: wrap; gap: .1rem .8rem; align-items: center; font-size: .85rem; color: var(--_muted); }
.ref { font: 500 .82rem/1.3 ui-monospace, monospace; min-height: 28px; padding: .1rem .45rem; margin-inline-start: -.45rem; border-color: transparent; background: none; color: var(--_muted); border-radius: 6px; }
.sentence { font-size: 1.08rem; }
.stages { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .35rem 1.1rem; font-size: .9rem; color: var(--_muted); }
.stages li { display: inline-flex; align-items: center; gap: .45rem; }
.stages i { width: 1.15rem; height: 1.15rem; border-radius: 50%; border: 2px solid var(--_line); flex: none; display: grid; place-items: center; font: 700 .7rem/1 system-ui; }
.stages .done i { background: var(--_good); border-color: var(--_good); color: var(--_surface); }
.stages .done i::after { content: "✓"; }
.stages .now { color: var(--_text); font-weight: 600; }
.stages .now i { border-color: var(--_accent); border-width: 5px; }
.facts:not(:has(p)) { display: none; }
.facts { display: grid; grid-template-columns: minmax(0, 1fr); gap: .25rem; font-size: .95rem; color: var(--_muted); }
.facts b { font-weight: 600; color: var(--_text); }
:host { container-type: inline-size; }
.box { --_tone: var(--_warn); --_tone-ground: light-dark(#f5a524, #f2bd6b); border-inline-start: 4px solid var(--_tone); background: color-mix(in srgb, var(--_tone-ground, var(--_tone)) 10%, var(--_surface)); border-radius: 8px; padding: .75rem .95rem; display: grid; grid-template-columns: minmax(0, 1fr); gap: .5rem; }
.box.calm { --_tone: var(--_accent); --_tone-ground: var(--_accent); }
.box.bad { --_tone: var(--_bad); --_tone-ground: var(--_bad); }
.box strong { font-weight: 650; }
.rows { overflow-x: auto; }
.rows td:first-child, .rows td:nth-child(2):not(:last-child) { white-space: nowrap; }
.rows.plain td { white-space: normal; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; }
th, td { text-align: start; overflow-wrap: break-word; word-break: normal; padding: .3rem .8rem .3rem 0; vertical-align: top; border-bottom: 1px solid var(--_line); }
th { color: var(--_muted); font-weight: 550; white-space: nowrap; }
@container (max-width: 30rem) {
  .card { padding: .9rem; }
  .box { padding: .65rem .75rem; }
}
@container (max-width: 36rem) {
  table, tbody, tr, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { padding-block: .45rem; border-bottom: 1px solid var(--_line); }
  .rows td, .rows td:first-child, .rows td:nth-child(2):not(:last-child) { border: 0; padding: .05rem 0; white-space: normal; }
  td::before { content: attr(data-name) ": "; color: var(--_muted); }
  td:empty { display: none; }
  .rows:not(.plain) td:nth-child(-n+2):not(:last-child) { display: inline-block; margin-inline-end: .9rem; }
}
.actions { display: flex; flex-wrap: wrap; gap: .55rem; }
label { display: grid; grid-template-columns: minmax(0, 1fr); gap: .3rem; font-size: .95rem; }
input[type=file]::file-selector-button { font: inherit; font-weight: 550; min-height: 36px; padding: .3rem .8rem; margin-inline-end: .7rem; border-radius: 8px; border: 1px solid var(--_line); background: var(--_surface); color: var(--_text); cursor: pointer; }
input[type=file] { font: inherit; font-size: .9rem; color: var(--_text); width: 100%; min-height: 44px; padding: .45rem 0; }
:host(:focus-visible) .card, .card:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
:host(:focus) { outline: none; }
`;

const JOBS = `
h2 { font-size: 1.05rem; font-weight: 650; }
h3 { font-size: .8rem; font-weight: 650; color: var(--_muted); margin-block: 1rem .4rem; letter-spacing: .02em; }
ul { list-style: none; padding: 0; display: grid; grid-template-columns: minmax(0, 1fr); gap: .5rem; }
.row { width: 100%; display: grid; grid-template-columns: minmax(0, 1fr); gap: .2rem; padding: .7rem .85rem; border-radius: 10px; font-weight: 400; }
.row:hover { color: inherit; }
.line { display: flex; flex-wrap: wrap; gap: .2rem .6rem; align-items: center; justify-content: space-between; }
.line b { font-weight: 600; }
.small { font-size: .85rem; color: var(--_muted); }
li > tidings-job { margin-top: .5rem; }
`;

const BUTTON = `
:host { display: inline-grid; gap: .5rem; justify-items: start; max-width: 100%; }
#here { display: grid; gap: .6rem; justify-items: start; }
.main { padding-inline: 1.3rem; }
.files { display: flex; align-items: center; gap: .5rem .6rem; flex-wrap: wrap; }
.files > .note { flex: 0 0 100%; min-height: 1.5em; display: block; } /* kept free, so that a chosen file moves nothing */
.pick { position: relative; display: inline-flex; }
.pick input { position: absolute; inset: 0; opacity: 0; width: 100%; height: 100%; cursor: pointer; }
.pick input:focus-visible + .link { outline: 3px solid var(--_accent); outline-offset: 2px; }
.way { width: min(22rem, 100%); display: grid; gap: .3rem; }
`;

/** @param {...string} texts */
function sheets(...texts) {
  return texts.map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
}

export const buttonSheets = sheets(CSS, BUTTON);
export const jobSheets = sheets(CSS, JOB);
export const jobsSheets = sheets(CSS, JOBS);
