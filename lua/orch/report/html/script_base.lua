--- The page's script: the data of the run, and what all its parts need. Text from the run
--- goes into the page as text only, never as markup.

return [==[
const root = document.documentElement;
root.classList.add('js');
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId('data').textContent);
const jobs = data.jobs;
const placeOf = new Map();
const signs = { ok: '✓', failed: '✕', skipped: '»', cancelled: '⊘', running: '▶',
  retrying: '↻', queued: '…', pending: '○' };
const problemSigns = { error: '✕', warning: '!', info: 'i' };

// make('p', { class: 'x', text: 'y' }, child, ...): a property that is a function listens.
function make(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'text') element.textContent = value;
    else if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const stateSign = (state) =>
  make('span', { class: 'sign s-' + state, 'aria-hidden': 'true', text: signs[state] || '?' });

function duration(seconds) {
  if (typeof seconds !== 'number') return '';
  if (seconds < 0.9995) return Math.round(seconds * 1000) + 'ms';
  if (seconds < 59.95) return seconds.toFixed(1) + 's';
  const whole = Math.round(seconds);
  const two = (n) => String(n).padStart(2, '0');
  if (whole < 3600) return Math.floor(whole / 60) + 'm ' + two(whole % 60) + 's';
  return Math.floor(whole / 3600) + 'h ' + two(Math.floor(whole % 3600 / 60)) + 'm';
}

function bytes(size) {
  if (typeof size !== 'number') return '';
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) { size /= 1024; unit++; }
  return (unit === 0 || size >= 99.95 ? size.toFixed(0) : size.toFixed(1)) + ' ' + units[unit];
}

// The time of day of a moment of the run, where the reader is.
function clockTime(seconds) {
  const time = new Date((data.started + seconds) * 1000);
  return isNaN(time) ? '' : time.toLocaleTimeString();
}

const endOf = (job) => {
  const last = job.attempts[job.attempts.length - 1];
  return job.to ?? (last ? last.to ?? data.elapsed : undefined);
};

// The first attempt since it was ready: those of a session that was killed came before.
const firstSince = (job) => job.queued === undefined ? job.attempts[0]
  : job.attempts.find((attempt) => attempt.from >= job.queued) || job.attempts[0];

jobs.forEach((job, i) => {
  job.i = i;
  placeOf.set(job.name, i);
  job.dependents = [];
  const first = firstSince(job);
  job.wait = first && job.queued !== undefined ? Math.max(0, first.from - job.queued) : undefined;
});
jobs.forEach((job) => job.needs.forEach((i) => jobs[i].dependents.push(job.i)));

document.querySelectorAll('time[datetime]').forEach((element) => {
  const time = new Date(element.getAttribute('datetime'));
  if (!isNaN(time)) element.title = time.toLocaleString() + ' here';
});
]==]
