--- The page's script: the panel of one job, with all that is known about it and its log.

return [==[
const panel = byId('job');
let opened, cameFrom;

const section = (title, ...content) =>
  content.length > 0 ? [make('h3', { text: title }), ...content] : [];

function fact(name, value) {
  if (value === undefined || value === null || value === '') return null;
  return make('div', {}, make('dt', { text: name }), make('dd', {}, value));
}

const code = (text) => text === undefined ? undefined : make('code', { text });

function jobLinks(list) {
  return make('ul', { class: 'jobs' }, ...list.map((i) => make('li', {}, stateSign(jobs[i].state),
    make('a', { href: '#job=' + encodeURIComponent(jobs[i].name), 'data-job': jobs[i].name,
      text: ' ' + jobs[i].name }))));
}

function table(heads, lines) {
  const row = (tag, cells) => make('tr', {}, ...cells.map((cell, i) => make(tag,
    { class: heads[i][1], scope: tag === 'th' ? 'col' : undefined }, cell)));
  return make('table', {}, make('thead', {}, row('th', heads.map((head) => head[0]))),
    make('tbody', {}, ...lines.map((cells) => row('td', cells))));
}

function errorBox(error) {
  return [make('p', { class: 'what', text: error.message || 'failed' }),
    make('dl', { class: 'facts' }, fact('Command', code(error.command)),
      fact('Exit', error.signal ? 'signal ' + error.signal : error.exit_code === undefined
        ? undefined : String(error.exit_code)),
      fact('Raised at', code(error.where)), fact('Kind', error.kind),
      error.stalled ? fact('Stalled', 'yes') : null),
    error.traceback ? make('details', {}, make('summary', { text: 'Traceback' }),
      make('pre', { class: 'log', text: error.traceback })) : null];
}

function why(job) {
  const last = job.attempts[job.attempts.length - 1];
  const error = last ? last.error : job.error;
  if (error && job.state === 'failed') return section('Why it failed', ...errorBox(error));
  if (job.because) return section('Why it was cancelled', make('p', { text: job.because }));
  if (!job.reason) return [];
  return section(job.state === 'skipped' ? 'Why it was skipped' : 'Why it ran',
    make('p', { text: job.reason }));
}

function times(job) {
  const took = job.attempts.length ? job.elapsed : undefined;
  let last = duration(job.expected);
  if (job.state === 'ok' && took > 1 && job.expected > 0) {
    const change = Math.round(100 * (took / job.expected - 1));
    if (change >= 5) last += ` (now ${change} % more)`;
    else if (change <= -5) last += ` (now ${-change} % less)`;
  }
  return make('dl', { class: 'facts' }, fact('Time', duration(took)),
    fact('Last time', job.attempts.length ? last : duration(job.expected)),
    fact('Queued', job.wait >= 0.001 ? duration(job.wait) : undefined),
    fact('Started', job.attempts.length ? clockTime(job.attempts[0].from) + ', after '
      + duration(job.attempts[0].from) : undefined),
    fact('Critical path', job.critical ? 'it is on it' : undefined),
    fact('Declared at', code(job.where)), fact('Pools', code(job.pools)),
    fact('Runs when', job.when === 'success' ? undefined : job.when),
    fact('Priority', job.priority === undefined ? undefined : String(job.priority)),
    fact('Last message', job.message));
}

function attemptTable(job) {
  if (job.attempts.length < 2) return [];
  return section('Attempts', table([['', ''], ['Time', 'num'], ['After', 'num'], ['Why', 'c-wide']],
    job.attempts.map((attempt) => [
      make('span', {}, stateSign(attempt.status), ' ' + attempt.number + ' ' + attempt.status),
      duration((attempt.to ?? data.elapsed) - attempt.from), duration(attempt.from),
      attempt.error ? attempt.error.message || '' : attempt.reason || ''])));
}

const stepSigns = { running: 'running', done: 'ok', reused: 'skipped', failed: 'failed' };

function stepTable(job) {
  if (job.steps.length === 0) return [];
  const list = table([['', ''], ['Time', 'num'], ['Result', 'c-wide']], job.steps.map((one) => [
    make('span', {}, stateSign(stepSigns[one.state] || 'pending'), ' ' + one.name
      + (one.state === 'reused' ? ' (reused)' : '')),
    duration(one.elapsed), one.error ? one.error.message || '' : one.value === undefined ? ''
      : make('code', { text: one.value })]));
  return section('Steps', list, job.more_steps
    ? make('p', { text: 'and ' + job.more_steps + ' more' }) : null);
}

function outputs(job) {
  if (job.outputs.length === 0) return [];
  return section('Outputs', table([['File', ''], ['Size', 'num']],
    job.outputs.map(([path, size]) => [make('code', { text: path }), bytes(size)])));
}

function problemList(job) {
  const list = data.problems.filter((problem) => problem.job === job.i);
  if (list.length === 0) return [];
  return section('Problems', make('ul', { class: 'plain' }, ...list.map((p) => make('li',
    { class: 'p-' + p.severity }, make('span', { class: 'sign', 'aria-hidden': 'true',
      text: problemSigns[p.severity] }), ' ',
    p.file ? make('code', { text: p.file + (p.line ? ':' + p.line : '') + ' ' }) : null,
    (p.code ? p.code + ': ' : '') + p.message, p.times > 1 ? ` (${p.times} times)` : ''))));
}

// The logs of all attempts, one of which is shown.
function logBox(job, want) {
  const having = job.attempts.filter((attempt) => attempt.log);
  if (having.length === 0) {
    return section('Log', make('p', { text: job.attempts.length ? 'It printed nothing.'
      : 'It did not run.' }));
  }
  const place = make('div'), tabs = make('div', { class: 'tabs' });
  const path = make('p', { class: 'caption' });
  const show = (attempt, line) => {
    tabs.querySelectorAll('[data-n]').forEach((tab) =>
      tab.setAttribute('aria-pressed', tab.dataset.n === String(attempt.number)));
    path.textContent = bytes(attempt.log.size) + ', ' + attempt.log.path;
    const view = logView(job, attempt, want.query, line);
    view.classList.toggle('nowrap', root.classList.contains('nowrap'));
    place.replaceChildren(view);
    if (line === undefined && attempt.status === 'failed') {
      requestAnimationFrame(() => { view.scrollTop = view.scrollHeight; });
    }
  };
  if (having.length > 1) {
    tabs.append(...having.map((attempt) => make('button', { type: 'button',
      'data-n': attempt.number, text: 'Attempt ' + attempt.number, click: () => show(attempt) })));
  }
  tabs.append(make('div', { class: 'tools' }, make('button', { type: 'button', text: 'Wrap lines',
    'aria-pressed': String(!root.classList.contains('nowrap')), click: (event) => {
      const off = root.classList.toggle('nowrap');
      event.target.setAttribute('aria-pressed', !off);
      place.firstElementChild.classList.toggle('nowrap', off);
    } })));
  const attempt = having.find((one) => one.number === want.attempt) || having[having.length - 1];
  show(attempt, want.line);
  return section('Log', tabs, place, path);
}

function remember(hash) {
  try { history.replaceState(null, '', hash || location.pathname + location.search); }
  catch (error) { /* some browsers refuse it for files */ }
}

// want: { attempt, line, query, focus }; without it, the last log and no mark.
function openJob(i, want = {}) {
  const job = jobs[i];
  if (!job) return;
  if (opened === undefined && want.focus) cameFrom = document.activeElement;
  opened = i;
  setCurrent(i, false);
  const title = make('h2', { id: 'h-job', tabindex: '-1' }, stateSign(job.state), ' ' + job.name);
  panel.replaceChildren(
    make('div', { class: 'bar' }, make('div', {}, title,
      make('p', { text: job.state + (job.desc ? ' · ' + job.desc : '') })),
    make('button', { type: 'button', text: 'Close', 'aria-label': 'Close the job',
      click: closeJob })),
    make('div', { class: 'body' }, times(job), ...why(job), ...problemList(job),
      ...logBox(job, want), ...attemptTable(job), ...stepTable(job), ...outputs(job),
      ...(job.command ? section('Command', make('code', { class: 'command',
        text: job.command })) : []),
      ...(job.value === undefined ? [] : section('Value', make('pre', { class: 'log value',
        text: job.value }))),
      ...(job.needs.length ? section('Needs', jobLinks(job.needs)) : []),
      ...(job.after.length ? section('Runs after', jobLinks(job.after)) : []),
      ...(job.dependents.length ? section('Needed by', jobLinks(job.dependents)) : [])));
  panel.hidden = false;
  root.classList.add('open');
  remember('#job=' + encodeURIComponent(job.name));
  if (want.focus) title.focus({ preventScroll: true });
  showInTimeline(i);
}

function closeJob() {
  if (opened === undefined) return;
  opened = undefined;
  panel.hidden = true;
  root.classList.remove('open');
  remember('');
  if (cameFrom && cameFrom.isConnected) cameFrom.focus({ preventScroll: true });
  cameFrom = undefined;
  paintTimeline();
}
]==]
