--- The page's script: the search through all jobs, problems and logs, in small turns, so
--- that typing is never held up.

return [==[
const SHOWN = 300, SHOWN_OF_LOG = 40, TURN = 12;
const queryBox = byId('query'), hitsBox = byId('hits');
const plainLogs = new Map();
let searching = 0;

// A log as one text without escape sequences, kept for the next search.
function searchable(job, attempt) {
  const id = job.i + '-' + attempt.number;
  if (!plainLogs.has(id)) {
    const log = readLog(job, attempt);
    const head = linesOf(plainText(log.head)).join('\n');
    plainLogs.set(id, { text: log.tail === undefined ? head
      : head + '\n\n' + linesOf(plainText(log.tail)).join('\n'),
    cut: log.tail === undefined ? Infinity : linesOf(log.head).length });
  }
  return plainLogs.get(id);
}

// The hits in a log: one for each line that has any.
function hitsIn(job, attempt, pattern) {
  const log = searchable(job, attempt), found = [];
  pattern.lastIndex = 0;
  let line = 0, at = 0, total = 0, match;
  while ((match = pattern.exec(log.text)) && match[0] !== '') {
    total++;
    for (let next; (next = log.text.indexOf('\n', at)) >= 0 && next < match.index; at = next + 1) {
      line++;
    }
    if (found.length < SHOWN_OF_LOG && (!found.length || found[found.length - 1].line !== line)) {
      const stop = log.text.indexOf('\n', match.index);
      const start = Math.max(at, match.index - 60);
      found.push({ line, number: line < log.cut ? line + 1 : '',
        text: (start > at ? '…' : '') + log.text.slice(start,
          Math.min(stop < 0 ? log.text.length : stop, match.index + 200)) });
    }
  }
  return { found, total };
}

const clean = (text) => text.replace(invisible, picture).replace(/\t/g, '  ');

function hitButton(text, number, pattern, click) {
  return make('button', { type: 'button', click }, make('small', { text: number }),
    make('code', {}, ...marked(clean(text), pattern)));
}

function showNames(query, pattern) {
  const lower = query.toLowerCase();
  const named = jobs.filter((job) => job.name.toLowerCase().includes(lower)
    || (job.desc || '').toLowerCase().includes(lower));
  if (named.length > 0) {
    hitsBox.append(make('h3', { text: 'Jobs' }), ...named.slice(0, 12).map((job) =>
      hitButton(job.name + (job.desc ? '  ' + job.desc : ''), signs[job.state], pattern,
        () => choose(job.i, {}))));
    if (named.length > 12) hitsBox.append(make('p', { class: 'note',
      text: 'and ' + (named.length - 12) + ' more jobs' }));
  }
  const problems = data.problems.filter((p) => (p.message + ' ' + (p.code || '') + ' '
    + (p.file || '')).toLowerCase().includes(lower)).slice(0, 8);
  if (problems.length > 0) {
    hitsBox.append(make('h3', { text: 'Problems' }), ...problems.map((p) => hitButton(
      (p.file ? p.file + (p.line ? ':' + p.line : '') + '  ' : '') + (p.code ? p.code + ': ' : '')
      + p.message, problemSigns[p.severity], pattern, () => choose(p.job, {}))));
  }
  return named.length + problems.length;
}

function choose(i, want) {
  hitsBox.hidden = true;
  if (jobs[i]) openJob(i, { ...want, query: queryBox.value.trim(), focus: true });
}

function showLog(job, attempt, result, pattern) {
  hitsBox.append(make('h3', {}, stateSign(job.state), ' ' + job.name + (job.attempts.length > 1
    ? ', attempt ' + attempt.number : ''), make('small', { text: ' ' + result.total
      + (result.total === 1 ? ' hit' : ' hits') })),
  ...result.found.map((hit) => hitButton(hit.text, hit.number, pattern,
    () => choose(job.i, { attempt: attempt.number, line: hit.line }))));
}

// The logs in the order in which they matter: of failed jobs first, last attempts first.
const allLogs = () => jobs.flatMap((job) => job.attempts.filter((one) => one.log)
  .map((attempt) => ({ job, attempt }))).sort((a, b) =>
  (a.job.state !== 'failed') - (b.job.state !== 'failed') || a.job.i - b.job.i
    || b.attempt.number - a.attempt.number);

function search(query) {
  const turn = ++searching;
  hitsBox.hidden = query.length < 2;
  if (hitsBox.hidden) return;
  const pattern = searchPattern(query), logs = allLogs();
  const note = make('p', { class: 'note', role: 'status' });
  hitsBox.replaceChildren(note);
  const names = showNames(query, pattern);
  let at = 0, total = 0, having = 0, shown = 0;
  const go = () => {
    if (turn !== searching) return;
    const began = performance.now();
    while (at < logs.length && performance.now() - began < TURN) {
      const { job, attempt } = logs[at++];
      const result = hitsIn(job, attempt, pattern);
      if (result.total === 0) continue;
      total += result.total;
      having++;
      if (shown < SHOWN) showLog(job, attempt, result, pattern);
      shown += result.found.length;
    }
    const done = at === logs.length;
    note.textContent = total.toLocaleString('en') + (total === 1 ? ' hit in ' : ' hits in ')
      + having + (having === 1 ? ' log' : ' logs') + (done ? '' : ', searching…')
      + (shown > SHOWN ? '; the first are shown' : '');
    hitsBox.dataset.done = done;
    if (done && total + names === 0) note.textContent = 'Nothing has “' + query + '” in it.';
    if (!done) setTimeout(go);
  };
  hitsBox.dataset.done = false;
  go();
}

let typing;
queryBox.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => search(queryBox.value.trim()), 120);
});
queryBox.addEventListener('focus', () => {
  if (queryBox.value.trim().length >= 2 && hitsBox.childElementCount) hitsBox.hidden = false;
});
document.addEventListener('pointerdown', (event) => {
  if (!hitsBox.contains(event.target) && event.target !== queryBox) hitsBox.hidden = true;
});
]==]
