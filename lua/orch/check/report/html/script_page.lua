--- The page's script, second part: what can be pressed, dragged and typed.

return [==[
// What is chosen stands in the address, so that it can be sent to somebody.
function remember() {
  const parts = Object.entries({ group: 'rule', sort: 'worst', only: '', q: '' })
    .filter(([name, usual]) => choice[name] !== usual)
    .map(([name]) => name + '=' + encodeURIComponent(choice[name]));
  history.replaceState(null, '', parts.length ? '#' + parts.join('&') : ' ');
}

function recall() {
  for (const part of location.hash.slice(1).split('&')) {
    const at = part.indexOf('=');
    const name = part.slice(0, at);
    if (!(name in choice)) continue;
    try { choice[name] = decodeURIComponent(part.slice(at + 1)); } catch { /* as it was */ }
  }
  if (!['folder', 'owner', 'severity', 'none'].includes(choice.group)) choice.group = 'rule';
  if (!['worst', 'path', ...units].includes(choice.sort)) choice.sort = 'worst';
  if (!['fix', ...order].includes(choice.only)) choice.only = '';
}

function choose(name, value) {
  choice[name] = value;
  remember();
  show();
}

function select(name, text, entries) {
  const box = make('select', { id: name, change: (event) => choose(name, event.target.value) },
    ...entries.map(([value, words]) => make('option', { value, text: words })));
  box.value = choice[name];
  return make('label', null, text, box);
}

const signs = { error: '✕', warning: '!', info: 'i' };
const buttons = [];

function toggle(value, count, ...content) {
  const button = make('button', { type: 'button', 'data-only': value, class: 'p-' + value,
    'aria-pressed': String(choice.only === value), click: () => {
      choose('only', choice.only === value ? '' : value);
      for (const other of buttons) {
        other.setAttribute('aria-pressed', String(other.dataset.only === choice.only));
      }
    } }, ...content, ' ' + count.toLocaleString('en'));
  buttons.push(button);
  return button;
}

function addBar() {
  const tools = make('div', { class: 'tools' });
  const count = (of) => cards.filter(of).length;
  const present = order.filter((severity) => cards.some((card) => card.severity === severity));
  for (const severity of present.length > 1 ? present : []) {
    tools.append(toggle(severity, count((card) => card.severity === severity),
      make('span', { class: 'sign', 'aria-hidden': 'true', text: signs[severity] }),
      ' ' + names[severity]));
  }
  const fixable = count((card) => card.fix);
  if (fixable > 0 && fixable < cards.length) tools.append(toggle('fix', fixable, 'Can be fixed'));
  byId('bar').append(
    select('group', 'Group by', [['rule', 'rule'], ['folder', 'folder'], ['owner', 'owner'],
      ['severity', 'severity'], ['none', 'nothing']]),
    select('sort', 'Sort by', [['worst', 'the worst first'], ['path', 'path'],
      ...units.map((unit) => [unit, titles[unit] || unit])]),
    tools, make('span', { id: 'shown', role: 'status' }));
}

function addSearch() {
  const input = byId('query');
  let waiting;
  input.value = choice.q;
  input.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => choose('q', input.value), 150);
  });
  document.addEventListener('keydown', (event) => {
    const typing = event.target.matches('input, select, textarea');
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      input.focus();
      input.select();
    } else if (event.key === 'Escape' && event.target === input) {
      input.value = '';
      choose('q', '');
      input.blur();
    }
  });
}

function addTheme() {
  const button = byId('theme'), dark = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches;
  const name = () => { button.textContent = isDark() ? 'Light' : 'Dark'; };
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    name();
  });
  dark.addEventListener('change', name);
  name();
}

function addCopying() {
  if (!navigator.clipboard) return;
  document.addEventListener('click', (event) => {
    const command = event.target.closest('.command');
    if (!command || !getSelection().isCollapsed) return;
    navigator.clipboard.writeText(command.textContent).then(() => {
      command.title = 'copied';
      command.classList.add('copied');
      setTimeout(() => command.classList.remove('copied'), 900);
    }, () => {});
  });
}

for (const input of all('.stage input')) {
  const move = () => input.parentElement.style.setProperty('--at', input.value + '%');
  input.addEventListener('input', move);
  move();
}
recall();
if (cards.length > 0) addBar();
addSearch();
addTheme();
addCopying();
show();
]==]
