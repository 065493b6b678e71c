--- The page's script, first part: which findings are shown, in which groups and order.

return [==[
const root = document.documentElement;
root.classList.add('js');
const byId = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];

function make(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name === 'text') element.textContent = value;
    else if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const natural = new Intl.Collator(undefined, { numeric: true });
const list = byId('list');
const ruleHeads = new Map(all('#list .group').map((group) => [group.dataset.key,
  { head: group.querySelector('summary'), about: group.querySelector('.about') }]));

const cards = all('#list .finding').map((element, place) => {
  const { rule, severity, path, folder, owner, cost } = element.dataset;
  return { element, place, rule, severity, path, folder, owner, cost: cost ? JSON.parse(cost) : {},
    fix: 'fix' in element.dataset, text: undefined };
});
// Reading the text of thousands of elements takes a while, and few search.
const textOf = (card) => card.text ??= (card.element.textContent + ' ' + card.owner).toLowerCase();

const names = { error: 'Errors', warning: 'Warnings', info: 'Notes' };
const order = ['error', 'warning', 'info'];
const units = [...new Set(cards.flatMap((card) => Object.keys(card.cost)))];
const titles = { vram: 'VRAM', memory: 'Memory', disk: 'Disk', download: 'Download',
  triangles: 'Triangles', draw_calls: 'Draw calls', ms: 'Run time' };
const inBytes = ['vram', 'memory', 'disk', 'download'];
const choice = { group: 'rule', sort: 'worst', only: '', q: '' };

function amount(unit, n) {
  if (!inBytes.includes(unit)) return n.toLocaleString('en') + ' ' + (titles[unit] || unit);
  const prefixes = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  while (n >= 1000 && i < prefixes.length - 1) { n /= 1024; i++; }
  return n.toFixed(i ? 1 : 0) + ' ' + prefixes[i] + ' ' + titles[unit];
}

const words = () => choice.q.toLowerCase().split(/\s+/).filter(Boolean);

function fitting() {
  const wanted = words();
  return cards.filter((card) => (!choice.only || choice.only === card.severity
    || choice.only === 'fix' && card.fix) && wanted.every((word) => textOf(card).includes(word)));
}

const keyOf = (card) => choice.group === 'none' ? '' : card[choice.group];

function totals(group) {
  const sum = {};
  for (const card of group) {
    for (const [unit, n] of Object.entries(card.cost)) sum[unit] = (sum[unit] || 0) + n;
  }
  return sum;
}

function compare(a, b) {
  if (choice.sort === 'worst') return a.place - b.place;
  if (choice.sort === 'path') return natural.compare(a.path, b.path) || a.place - b.place;
  return (b.cost[choice.sort] || 0) - (a.cost[choice.sort] || 0) || a.place - b.place;
}

function compareGroups(a, b) {
  if (choice.sort === 'path' && choice.group !== 'severity') return natural.compare(a.key, b.key);
  if (units.includes(choice.sort)) {
    return (b.sum[choice.sort] || 0) - (a.sum[choice.sort] || 0) || natural.compare(a.key, b.key);
  }
  if (choice.group === 'severity') return order.indexOf(a.key) - order.indexOf(b.key);
  return a.first - b.first;
}

function groupsOf(shown) {
  const byKey = new Map();
  for (const card of shown) {
    const key = keyOf(card);
    if (!byKey.has(key)) byKey.set(key, []);
    byKey.get(key).push(card);
  }
  return [...byKey].map(([key, group]) => ({ key, cards: group.sort(compare), sum: totals(group),
    first: group.reduce((least, card) => Math.min(least, card.place), Infinity) }))
    .sort(compareGroups);
}

const closed = new Set();

function element(group) {
  const box = make('details', { class: 'group' });
  const id = choice.group + ' ' + group.key;
  const own = choice.group === 'rule' && ruleHeads.get(group.key);
  if (own) {
    own.head.querySelector('small').textContent = group.cards.length.toLocaleString('en');
    box.append(own.head, own.about);
  } else {
    const title = choice.group === 'none' ? 'All findings' : choice.group === 'severity'
      ? names[group.key] : group.key;
    const sum = units.filter((unit) => group.sum[unit])
      .map((unit) => amount(unit, group.sum[unit]));
    box.append(make('summary', null, make('h3', { text: title + ' ' }, make('small',
      { text: [group.cards.length.toLocaleString('en'), ...sum].join(' · ') }))));
  }
  const body = make('div', { class: 'cards' });
  body.append(...group.cards.map((card) => card.element));
  box.append(body);
  box.open = !closed.has(id);
  box.addEventListener('toggle', () => box.open ? closed.delete(id) : closed.add(id));
  return box;
}

function show() {
  const shown = fitting();
  list.replaceChildren(...groupsOf(shown).map(element));
  byId('none').hidden = shown.length > 0 || cards.length === 0;
  if (cards.length === 0) return;
  const total = cards.length.toLocaleString('en');
  byId('shown').textContent = shown.length === cards.length ? total + ' findings'
    : shown.length.toLocaleString('en') + ' of ' + total;
}
]==]
