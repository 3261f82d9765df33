// Comfort on top of pages that work without it. Everything hangs on attributes; nothing here is needed to finish a task.
//   data-script        an element that makes sense only with script (it is `hidden` until now)
//   data-all=NAME      a checkbox that ticks every checkbox of that name in its form; Shift-click ticks a range
//   data-count=NAME    text that says how many of them are ticked
//   data-filter=SEL    an input that hides what does not match among the [data-item] (or <li>) inside SEL
//   data-enter         an input in which Enter presses the button after it
//   form[data-guard]   warns before typed changes are lost (data-guard=dirty: it came back with errors, so it is changed already)
//   data-copy=SEL      a button that copies the text or value of SEL
//   a[data-key=u]      `g` then `u` goes there; [data-help] opens the list of shortcuts
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const lang = document.documentElement.lang || 'en';
const make = (tag, props, ...children) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children);
  return element;
};

for (const element of $$('[data-script]')) element.hidden = false;

// ---- a polite voice for what only the eye would notice
const voice = make('div', { className: 'hide', role: 'status' });
voice.style.top = 0; // or its pixel below the page makes every page scroll
document.body.append(voice);
const say = text => { voice.textContent = text; };
const flash = $('.flash span');
if (flash) setTimeout(() => say(flash.textContent), 500); // a status that was there from the start is not announced

// ---- times: relative in the text, exact (in the reader's zone) on hover
const relative = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' });
const told = options => {
  const format = new Intl.DateTimeFormat('en-US', { day: 'numeric', month: 'short', year: 'numeric', ...options });
  return when => format.format(when).replace(/^(\w+) (\d+),/, '$2 $1'); // as without script: 27 Mar 2026
};
const day = told();
const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'short' };
const [exact, whole] = [told(clock), told({ ...clock, second: '2-digit' })];
const STEPS = [['day', 86400], ['hour', 3600], ['minute', 60]];
function tellTimes() {
  for (const element of $$('time[datetime*="T"]')) {
    const when = new Date(element.dateTime);
    if (isNaN(when)) continue;
    element.title = whole(when);
    const kind = element.dataset.time;
    const seconds = (when - Date.now()) / 1000;
    if (kind === 'exact') element.textContent = exact(when);
    else if (kind === 'date' || Math.abs(seconds) > 30 * 86400) element.textContent = day(when);
    else {
      const step = STEPS.find(([, size]) => Math.abs(seconds) >= size);
      element.textContent = step ? relative.format(Math.trunc(seconds / step[1]), step[0]) : relative.format(0, 'second');
    }
  }
}
tellTimes();
setInterval(tellTimes, 60_000);

// ---- tick all, ranges, counts
const boxes = (form, name) => $$(`input[type=checkbox][name="${CSS.escape(name)}"]:not(:disabled)`, form);
function count(form, name) {
  const all = boxes(form, name);
  const ticked = all.filter(box => box.checked).length;
  for (const head of $$(`[data-all="${CSS.escape(name)}"]`, form)) {
    head.checked = ticked > 0 && ticked === all.length;
    head.indeterminate = ticked > 0 && ticked < all.length;
  }
  for (const text of $$(`[data-count="${CSS.escape(name)}"]`, form)) {
    text.textContent = ticked ? `${ticked.toLocaleString(lang)} ticked` : 'None ticked';
  }
}
const recount = () => { for (const e of $$('[data-count], [data-all]')) count(e.closest('form'), e.dataset.count ?? e.dataset.all); };
recount();
addEventListener('pageshow', recount); // the browser may have put ticks back
let last = null;
document.addEventListener('click', event => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || box.type !== 'checkbox' || !box.form) return;
  if (box.dataset.all !== undefined) {
    for (const other of boxes(box.form, box.dataset.all)) other.checked = box.checked;
    count(box.form, box.dataset.all);
  } else if (box.name) {
    const all = boxes(box.form, box.name);
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const other of all.slice(from, to + 1)) other.checked = box.checked;
    last = box;
    count(box.form, box.name);
  }
});

// ---- filter as you type
const plain = text => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
for (const input of $$('input[data-filter]')) {
  const list = $(input.dataset.filter);
  if (!list) continue;
  const items = $$('[data-item]', list).length ? $$('[data-item]', list) : $$('li', list);
  const texts = items.map(item => plain(item.textContent));
  input.addEventListener('input', () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    items.forEach((item, i) => {
      item.hidden = !words.every(word => texts[i].includes(word));
      if (!item.hidden) shown++;
    });
    for (const group of $$('[data-group]', list)) group.hidden = !$('[data-item]:not([hidden])', group);
    const none = $('[data-none]', list);
    if (none) none.hidden = shown > 0;
    say(`${shown} of ${items.length} shown`);
  });
  input.addEventListener('keydown', event => { if (event.key === 'Enter') event.preventDefault(); });
}

// ---- a field in a form of many buttons has one of its own
document.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || event.isComposing || !event.target.matches?.('[data-enter]')) return;
  event.preventDefault();
  event.target.nextElementSibling.click();
});

// ---- menus close on a click elsewhere and on Escape
document.addEventListener('click', event => {
  for (const menu of $$('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener('toggle', event => {
  if (event.target.matches?.('details.menu[open]')) $('input[data-filter], input[data-enter]', event.target)?.focus();
}, true);

// ---- unsaved changes
let leaving = false;
const changed = form => [...form.elements].some(e => {
  if (!e.name || e.type === 'hidden') return false;
  if (form.dataset.guard === 'dirty' && e.value && e.matches('textarea, input:not([type=checkbox], [type=radio])')) return true;
  if (e.type === 'checkbox' || e.type === 'radio') return e.checked !== e.defaultChecked;
  if (e.options) return e.selectedIndex !== Math.max(0, [...e.options].findIndex(option => option.defaultSelected));
  return e.type === 'file' ? e.files.length > 0 : 'defaultValue' in e && e.value !== e.defaultValue;
});
const guarded = $$('form[data-guard]');
for (const form of guarded) {
  const mark = () => { for (const e of $$('[data-unsaved]', form)) e.hidden = !changed(form); };
  form.addEventListener('input', mark);
  form.addEventListener('reset', () => setTimeout(mark));
  mark();
}
if (guarded.length) {
  document.addEventListener('submit', event => { leaving = guarded.includes(event.target); });
  addEventListener('pageshow', () => { leaving = false; });
  addEventListener('beforeunload', event => { if (!leaving && guarded.some(changed)) event.preventDefault(); });
}

// ---- copy
document.addEventListener('click', async event => {
  const button = event.target.closest?.('[data-copy]');
  if (!button) return;
  const source = $(button.dataset.copy);
  const label = $('span', button) ?? button;
  const before = button.dataset.before ??= label.textContent; // it may be pressed again before it reads so
  try {
    await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
    label.textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren(source);
    label.textContent = 'Press Ctrl+C';
  }
  say(label.textContent);
  setTimeout(() => { label.textContent = before; }, 2000);
});

// ---- keyboard: / searches, g and a letter goes, ? helps; single keys can be switched off (WCAG 2.1.4)
const keysOn = () => { try { return localStorage.getItem('portico-keys') !== 'off'; } catch { return true; } };
let dialog = null;
function help() {
  if (!dialog) {
    const list = make('dl', { className: 'facts' });
    const row = (keys, text) => {
      const dt = make('dt', {});
      keys.forEach((key, i) => dt.append(i ? ' ' : '', make('kbd', { textContent: key })));
      list.append(make('div', {}, dt, make('dd', { textContent: text })));
    };
    if ($('input[type=search]')) row(['/'], 'Search');
    for (const link of $$('a[data-key]')) row(['g', link.dataset.key], $('span', link)?.textContent ?? link.textContent);
    row(['?'], 'This list');
    row(['Esc'], 'Close a menu');
    const box = make('input', { type: 'checkbox', checked: keysOn() });
    box.addEventListener('change', () => { try { localStorage.setItem('portico-keys', box.checked ? 'on' : 'off'); } catch { /* private window */ } });
    dialog = make('dialog', {},
      make('h2', { id: 'help-title', textContent: 'Keyboard shortcuts' }), list,
      make('label', { className: 'check' }, box, make('span', { textContent: 'Use single-key shortcuts in this browser' })),
      make('form', { method: 'dialog' }, make('button', { className: 'btn', textContent: 'Close' })));
    dialog.setAttribute('aria-labelledby', 'help-title');
    document.body.append(dialog);
  }
  dialog.showModal();
}
for (const button of $$('[data-help]')) button.addEventListener('click', help);
let g = 0;
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') {
    const menu = event.target.closest?.('details.menu[open]') ?? $('details.menu[open]');
    if (menu) { menu.open = false; $('summary', menu).focus(); }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !keysOn() || dialog?.open) return;
  if (event.target.closest?.('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]')) return;
  const going = Date.now() - g < 1500;
  g = 0;
  if (going) {
    const link = $(`a[data-key="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); location.assign(link.href); }
  } else if (event.key === 'g') g = Date.now();
  else if (event.key === '?') { event.preventDefault(); help(); }
  else if (event.key === '/') {
    const search = $('main input[type=search]:not([hidden])') ?? $('input[type=search]');
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
});
