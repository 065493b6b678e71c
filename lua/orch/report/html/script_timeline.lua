--- The page's script: the timeline. Only the rows in view are elements, so that thousands
--- of jobs cost no more than thirty.

return [==[
const ROW = 24;
const gantt = { from: 0, to: Math.max(data.elapsed, 0.001), critical: false, rows: [],
  live: new Map() };
gantt.end = gantt.to;

// What a job did and when: [kind, from, to, attempt?].
function stretches(job) {
  const found = [], first = firstSince(job);
  if (job.queued !== undefined) {
    const until = first ? first.from : job.to ?? data.elapsed;
    if (until > job.queued) found.push(['queue', job.queued, until]);
  }
  job.attempts.forEach((attempt, k) => {
    const to = attempt.to ?? data.elapsed, next = job.attempts[k + 1];
    found.push(['run', attempt.from, to, attempt]);
    // Between two sessions nobody waited: nothing ran.
    if (next && !data.sessions.some((t) => t > to && t <= next.from)) {
      found.push(['pause', to, next.from]);
    }
  });
  return found;
}

const startOf = (job) => job.attempts.length
  ? Math.min(job.attempts[0].from, job.queued ?? Infinity) : job.queued;
const percent = (t) => 100 * (t - gantt.from) / (gantt.to - gantt.from);

function bar(kind, from, to, state) {
  const element = make('i', { class: kind + (state ? ' s-' + state : '') });
  const left = Math.max(-1, percent(from));
  element.style.left = left + '%';
  element.style.width = Math.max(0, Math.min(101, percent(to)) - left) + '%';
  return element;
}

function timelineRow(job, y) {
  const bars = make('div', { class: 'bars' });
  stretches(job).forEach((stretch) => {
    const [kind, from, to, attempt] = stretch;
    if (to < gantt.from || from > gantt.to) return;
    const element = bar(kind, from, to, attempt && attempt.status);
    element.stretch = stretch;
    bars.append(element);
  });
  const row = make('div', { class: 'row' + (job.critical ? ' critical' : '')
    + (job.i === opened ? ' at' : '') }, make('button', { type: 'button', title: job.name },
    stateSign(job.state), job.name), bars);
  row.style.top = y + 'px';
  row.job = job;
  return row;
}

const tickSteps = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300,
  600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

function ticks() {
  const wanted = Math.max(3, Math.floor(gantt.layer.clientWidth / 80));
  const span = gantt.to - gantt.from;
  const step = tickSteps.find((one) => span / one <= wanted) || 86400;
  const found = [];
  for (let n = Math.ceil(gantt.from / step - 1e-9); n * step <= gantt.to; n++) found.push(n * step);
  return found;
}

const tickText = (t) => t === 0 ? '0' : t < 60 ? Number(t.toFixed(3)) + 's' : duration(t);

function paintAxis() {
  gantt.axis.replaceChildren(...ticks().map((t) => {
    const tick = make('span', { text: tickText(t) });
    tick.style.left = percent(t) + '%';
    return tick;
  }));
  const line = (t, name) => {
    const element = make('i', { class: 'grid ' + name });
    element.style.left = percent(t) + '%';
    return element;
  };
  gantt.layer.replaceChildren(...ticks().map((t) => line(t, '')),
    ...data.sessions.slice(1).filter((t) => t >= gantt.from && t <= gantt.to)
      .map((t) => line(t, 'session')));
  gantt.load.setAttribute('viewBox', [gantt.from, 0, gantt.to - gantt.from, 1].join(' '));
}

function paintRows() {
  const first = Math.max(0, Math.floor(gantt.view.scrollTop / ROW) - 4);
  const last = Math.min(gantt.rows.length, first + Math.ceil(gantt.view.clientHeight / ROW) + 8);
  for (const [n, row] of gantt.live) {
    if (n < first || n >= last) { row.remove(); gantt.live.delete(n); }
  }
  for (let n = first; n < last; n++) {
    if (gantt.live.has(n)) continue;
    const row = timelineRow(gantt.rows[n], n * ROW);
    gantt.live.set(n, row);
    gantt.canvas.append(row);
  }
}

function paintTimeline() {
  // A row that has the focus would lose it.
  const focused = gantt.canvas.contains(document.activeElement)
    ? document.activeElement.parentElement.job : undefined;
  gantt.live.forEach((row) => row.remove());
  gantt.live.clear();
  paintAxis();
  paintRows();
  if (!focused) return;
  for (const row of gantt.live.values()) {
    if (row.job === focused) row.firstElementChild.focus({ preventScroll: true });
  }
}

const byStart = jobs.filter((job) => startOf(job) !== undefined);
byStart.sort((a, b) => startOf(a) - startOf(b) || endOf(a) - endOf(b) || a.i - b.i);

// The jobs that did anything in what is looked at.
function chooseRows() {
  gantt.rows = byStart.filter((job) => (!gantt.critical || job.critical)
    && startOf(job) <= gantt.to && (endOf(job) ?? gantt.end) >= gantt.from);
  gantt.canvas.style.height = Math.max(1, gantt.rows.length) * ROW + 'px';
  gantt.view.style.setProperty('height', Math.min(440, gantt.rows.length * ROW + 2) + 'px');
  gantt.top.style.marginRight = gantt.view.offsetWidth - gantt.view.clientWidth + 'px';
  paintTimeline();
}

// Brings a job's row into view, and marks it.
function showInTimeline(i) {
  const n = gantt.rows.indexOf(jobs[i]), top = n * ROW, view = gantt.view;
  if (n >= 0 && (top < view.scrollTop || top + ROW > view.scrollTop + view.clientHeight)) {
    view.scrollTop = top - view.clientHeight / 2;
  }
  paintTimeline();
}

function tipLines(job, stretch) {
  const during = ([, from, to]) => duration(from) + ' to ' + duration(to) + ', '
    + duration(to - from);
  const words = { queue: 'queued', pause: 'waited for its next attempt' };
  const name = ([kind, , , attempt]) => kind !== 'run' ? words[kind]
    : job.attempts.length > 1 ? 'attempt ' + attempt.number + ' ' + attempt.status : attempt.status;
  const all = stretches(job).slice(-8).map((one) => {
    const line = make('span', { text: name(one) + ': ' + during(one) });
    if (stretch && one[0] === stretch[0] && one[1] === stretch[1]) line.style.color = 'var(--text)';
    return line;
  });
  return [make('b', { text: job.name }), ...all,
    job.critical ? make('span', { text: 'on the critical path' }) : null].filter(Boolean);
}
]==]
