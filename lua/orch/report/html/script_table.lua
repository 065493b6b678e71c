--- The page's script: the table of jobs, sorted, filtered, and walked through by keys.

return [==[
const rows = [...document.querySelectorAll('#rows tr')];
const filter = { state: undefined, text: '', sort: undefined, down: false };
let current;
const severity = ['failed', 'running', 'retrying', 'queued', 'pending', 'cancelled', 'ok',
  'skipped'];

const sortKeys = {
  state: (job) => severity.indexOf(job.state),
  name: (job) => job.name,
  elapsed: (job) => job.attempts.length ? job.elapsed ?? data.elapsed - job.attempts[0].from
    : undefined,
  queued: (job) => job.wait,
  tries: (job) => job.attempts.length || undefined,
  why: (job) => rows[job.i].lastElementChild.textContent || undefined,
};
const natural = new Intl.Collator(undefined, { numeric: true });

// What is missing stays at the end, in whichever direction.
function compare(a, b) {
  const x = filter.key[a.dataset.i], y = filter.key[b.dataset.i];
  if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
  const order = typeof x === 'string' ? natural.compare(x, y) : x - y;
  return filter.down ? -order : order;
}

function sortRows() {
  const sorted = [...rows];
  if (filter.sort) {
    filter.key = jobs.map(sortKeys[filter.sort]);
    sorted.sort((a, b) => compare(a, b) || a.dataset.i - b.dataset.i);
  }
  byId('rows').append(...sorted);
}

function filterRows() {
  const text = filter.text.toLowerCase();
  let shown = 0;
  rows.forEach((row, i) => {
    const job = jobs[i];
    const fits = (!filter.state || job.state === filter.state)
      && (!text || job.name.toLowerCase().includes(text)
        || (job.desc || '').toLowerCase().includes(text)
        || row.lastElementChild.textContent.toLowerCase().includes(text));
    row.hidden = !fits;
    shown += fits;
  });
  byId('shown').textContent = shown === rows.length ? rows.length : shown + ' of ' + rows.length;
  byId('empty').hidden = shown > 0;
}

function addSortButtons() {
  document.querySelectorAll('#jobs th[data-sort]').forEach((th) => {
    const name = th.dataset.sort;
    th.replaceChildren(make('button', { type: 'button', text: th.textContent, click: () => {
      // The third click brings back the order of the script.
      const first = name === 'elapsed' || name === 'queued' || name === 'tries';
      if (filter.sort !== name) { filter.sort = name; filter.down = first; }
      else if (filter.down === first) filter.down = !first;
      else filter.sort = undefined;
      document.querySelectorAll('#jobs th').forEach((other) => other.removeAttribute('aria-sort'));
      if (filter.sort) th.setAttribute('aria-sort', filter.down ? 'descending' : 'ascending');
      sortRows();
    } }));
  });
}

function addFilters() {
  const box = byId('filters'), buttons = [];
  const present = severity.filter((state) => jobs.some((job) => job.state === state));
  for (const state of present.length > 1 ? present : []) {
    const count = jobs.filter((job) => job.state === state).length;
    const button = make('button', { type: 'button', 'aria-pressed': 'false', 'data-state': state,
      click: () => {
        filter.state = filter.state === state ? undefined : state;
        buttons.forEach((other) =>
          other.setAttribute('aria-pressed', other.dataset.state === filter.state));
        filterRows();
      } }, stateSign(state), ' ' + state + ' ' + count);
    buttons.push(button);
  }
  box.append(...buttons, make('input', { type: 'search', id: 'filter', placeholder: 'Filter',
    'aria-label': 'Filter jobs by text', autocomplete: 'off', input: (event) => {
      filter.text = event.target.value;
      filterRows();
    } }));
  byId('jobs').append(make('p', { id: 'empty', text: 'No job is like that.', hidden: true }));
}

// Marks a job in the table and the timeline as the one that the keys mean.
function setCurrent(i, scroll) {
  if (current !== undefined) rows[current].classList.remove('at');
  current = i;
  if (i === undefined) return;
  rows[i].classList.add('at');
  if (scroll) rows[i].scrollIntoView({ block: 'nearest' });
}

function step(by) {
  const visible = [...byId('rows').children].filter((row) => !row.hidden);
  if (visible.length === 0) return undefined;
  const at = visible.findIndex((row) => Number(row.dataset.i) === current);
  const next = at < 0 ? (by > 0 ? 0 : visible.length - 1)
    : Math.min(visible.length - 1, Math.max(0, at + by));
  return Number(visible[next].dataset.i);
}

// As grids they are no table any more for a screen reader, unless it is told.
function addRoles() {
  const give = (selector, role) => document.querySelectorAll('#jobs ' + selector)
    .forEach((element) => element.setAttribute('role', role));
  for (const [selector, role] of Object.entries({ table: 'table', thead: 'rowgroup',
    tbody: 'rowgroup', tr: 'row', th: 'columnheader', td: 'cell' })) give(selector, role);
}

addRoles();
addSortButtons();
addFilters();
]==]
