/** Text that is HTML already. */
export class Html extends String {}

const UNSAFE = /[&<>"']/g;
/** @type {Record<string, string>} */
const SAFE = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** @param {unknown} part @returns {string} */
function piece(part) {
  if (part === null || part === undefined || part === false || part === true) return "";
  if (Array.isArray(part)) return part.map(piece).join("");
  return part instanceof Html ? part.toString() : String(part).replace(UNSAFE, (each) => SAFE[each]);
}

/**
 * HTML from a template; whatever is filled in is text, unless it is Html itself.
 * @param {TemplateStringsArray} strings
 * @param {...unknown} parts
 */
export function html(strings, ...parts) {
  return new Html(strings.map((each, n) => (n ? piece(parts[n - 1]) : "") + each).join(""));
}

/**
 * Make `root` look like the HTML, changing only what differs: focus, chosen files and animations stay.
 * @param {Element | ShadowRoot} root
 * @param {Html} wanted
 */
export function show(root, wanted) {
  const template = document.createElement("template");
  template.innerHTML = wanted.toString();
  alignChildren(root, template.content);
}

/** @param {Node} node */
const keyOf = (node) => (node instanceof Element ? node.getAttribute("data-key") : null);

/** @param {Node} a @param {Node} b */
const isSame = (a, b) => a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

/** @param {Node} now @param {Node} wanted */
function alignChildren(now, wanted) {
  /** @type {ChildNode | null} */
  let here = now.firstChild;
  for (const want of [...wanted.childNodes]) {
    let found = here;
    while (found && !isSame(found, want)) found = found.nextSibling;
    if (!found) {
      now.insertBefore(want, here);
      continue;
    }
    while (here && here !== found) {
      const gone = here;
      here = here.nextSibling;
      gone.remove();
    }
    align(found, want);
    here = found.nextSibling;
  }
  while (here) {
    const gone = here;
    here = here.nextSibling;
    gone.remove();
  }
}

/** @param {Node} now @param {Node} wanted */
function align(now, wanted) {
  if (!(now instanceof Element) || !(wanted instanceof Element)) {
    if (now.nodeValue !== wanted.nodeValue) now.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...now.attributes]) if (!wanted.hasAttribute(name) && !isOwn(now, name)) now.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  if (!now.nodeName.includes("-")) alignChildren(now, wanted);
}

/** What a person or an element changed by itself. @param {Element} element @param {string} name */
const isOwn = (element, name) => element.nodeName === "DETAILS" && name === "open";
