--- The page's script: keys, links to jobs, and the choice between light and dark.

return [==[
function moveHit(by) {
  const list = [...hitsBox.querySelectorAll('button')];
  const next = list.indexOf(document.activeElement) + by;
  if (next < 0) queryBox.focus();
  else if (list[next]) list[next].focus();
}

function escape() {
  if (!hitsBox.hidden) {
    hitsBox.hidden = true;
    queryBox.blur();
  } else if (document.activeElement === queryBox) queryBox.blur();
  else closeJob();
}

function walk(by) {
  const next = step(by);
  if (next === undefined) return;
  setCurrent(next, true);
  if (opened !== undefined) openJob(next);
}

const keys = {
  '/': () => { queryBox.focus(); queryBox.select(); },
  j: () => walk(1),
  k: () => walk(-1),
  Enter: () => { if (current !== undefined) openJob(current, { focus: true }); },
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Escape') return escape();
  const inHits = event.target === queryBox || hitsBox.contains(event.target);
  if (inHits && !hitsBox.hidden && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    moveHit(event.key === 'ArrowDown' ? 1 : -1);
    return event.preventDefault();
  }
  if (event.target === queryBox && event.key === 'Enter') {
    const first = hitsBox.querySelector('button');
    if (!hitsBox.hidden && first) first.click();
    return;
  }
  if (event.target.closest('input, textarea, select')) return;
  // On a button or a link, Enter is its own.
  if (event.key === 'Enter' && event.target.closest('button, a, summary')) return;
  const drawn = event.target.closest('#graph [data-job], #graph [data-group]');
  if (event.key === 'Enter' && drawn) return follow(event, drawn);
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

// A name opens its job; a group in the drawing fills the table with its jobs.
function follow(event, target) {
  event.preventDefault();
  if (placeOf.has(target.dataset.job)) {
    openJob(placeOf.get(target.dataset.job), { focus: true });
  } else if (target.dataset.group) {
    const field = byId('filter');
    field.value = target.dataset.group.replace(/\*+$/, '');
    field.dispatchEvent(new Event('input'));
    byId('jobs').scrollIntoView({ behavior: 'smooth' });
  }
}

document.addEventListener('click', (event) => {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const named = event.target.closest('[data-job], [data-group]');
  const row = event.target.closest('#rows tr');
  if (named) follow(event, named);
  else if (row && String(getSelection()) === '') openJob(Number(row.dataset.i), { focus: true });
});

function openFromAddress() {
  const match = location.hash.match(/^#job=(.*)$/);
  if (!match) return;
  let name;
  try { name = decodeURIComponent(match[1]); } catch (error) { return; }
  if (placeOf.has(name)) openJob(placeOf.get(name));
}
addEventListener('hashchange', openFromAddress);

const themeButton = byId('theme');
const systemDark = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : systemDark.matches;
const nameTheme = () => { themeButton.textContent = isDark() ? 'Light' : 'Dark'; };

// The choice is kept where the browser allows it.
function kept(value) {
  try {
    if (value) localStorage.setItem('orch-theme', value);
    return localStorage.getItem('orch-theme');
  } catch (error) { return null; }
}

themeButton.addEventListener('click', () => {
  root.dataset.theme = isDark() ? 'light' : 'dark';
  kept(root.dataset.theme);
  nameTheme();
});
const before = kept();
if (before === 'light' || before === 'dark') root.dataset.theme = before;
systemDark.addEventListener('change', nameTheme);
nameTheme();
openFromAddress();
]==]
