--- The page's script: a log on the screen, in blocks that the browser lays out only when
--- they are seen; what is searched for is marked.

return [==[
const BLOCK = 100, LONGEST = 4000;

const escapeRegex = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const searchPattern = (query) => query ? new RegExp(escapeRegex(query), 'gi') : undefined;

// Elements for a stretch of text, with the hits of `pattern` as marks.
function marked(text, pattern) {
  if (!pattern) return [text];
  const out = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match[0] === '') break;
    out.push(text.slice(at, match.index), make('mark', { text: match[0] }));
    at = match.index + match[0].length;
  }
  out.push(text.slice(at));
  return out;
}

function styled(piece, pattern) {
  const classes = [...piece.flags];
  const span = make('span', {}, ...marked(piece.text, pattern));
  if (typeof piece.fore === 'number') classes.push('f' + piece.fore);
  if (typeof piece.back === 'number') classes.push('g' + piece.back);
  if (typeof piece.fore === 'string') {
    span.style.color = `color-mix(in srgb, rgb(${piece.fore}) 55%, var(--text))`;
  }
  if (typeof piece.back === 'string') {
    span.style.background = `color-mix(in srgb, rgb(${piece.back}) 22%, transparent)`;
  }
  if (classes.length > 0) span.className = classes.join(' ');
  return span;
}

function fillLine(content, line, style, pattern, all) {
  const cut = !all && line.length > LONGEST;
  const before = { flags: new Set(style.flags), fore: style.fore, back: style.back };
  const list = pieces(cut ? line.slice(0, LONGEST) : line, style);
  content.replaceChildren(...list.map((piece) =>
    piece.flags.length || piece.fore !== undefined || piece.back !== undefined
      ? styled(piece, pattern) : make('span', {}, ...marked(piece.text, pattern))));
  if (!cut) return;
  content.append(make('button', { type: 'button', class: 'more',
    text: '… ' + (line.length - LONGEST).toLocaleString('en') + ' more characters',
    click: () => fillLine(content, line, before, pattern, true) }));
}

function lineElement(line, number, style, pattern) {
  const content = make('span');
  fillLine(content, line, style, pattern, false);
  return make('p', { 'data-n': number }, content);
}

function cutNote(log) {
  return make('p', { class: 'cut', text: bytes(log.left_out) + ' left out here; the whole log ('
    + bytes(log.size) + '): ' + log.path });
}

// The ends of logs that the page begins with, in their colours.
function colorEnds() {
  document.querySelectorAll('pre.log[data-log]').forEach((pre) => {
    const [i, number] = pre.dataset.log.split(' ').map(Number);
    const attempt = jobs[i] && jobs[i].attempts.find((one) => one.number === number);
    if (!attempt || !attempt.log) return;
    const log = readLog(jobs[i], attempt), style = newStyle();
    const lines = linesOf((log.tail ?? log.head).replace(/\s+$/, '')).slice(-pre.dataset.lines);
    if (lines.some((line) => line.length > LONGEST)) return;
    pre.replaceChildren(...lines.flatMap((line, n) => [n > 0 ? '\n' : '',
      ...pieces(line, style).map((piece) => styled(piece))]));
  });
}
colorEnds();

// The log of an attempt; `target` is a line, as `search` counts them.
function logView(job, attempt, query, target) {
  const log = readLog(job, attempt);
  const view = make('div', { class: 'lines', tabindex: '0', role: 'region',
    'aria-label': 'Log of attempt ' + attempt.number });
  const pattern = searchPattern(query), style = newStyle();
  let block, count = 0, at;
  const add = (element) => {
    if (count++ % BLOCK === 0) view.append(block = make('div', { class: 'block' }));
    block.append(element);
  };
  const addLines = (text, number) => linesOf(text).forEach((line) => {
    const element = lineElement(line, number ? number++ : '', style, pattern);
    if (count === target) { element.className = 'at'; at = element; }
    add(element);
  });
  addLines(log.head, 1);
  if (log.tail !== undefined) {
    add(cutNote(attempt.log));
    addLines(log.tail, 0);
  }
  // Blocks that were not laid out yet have a guessed height: once more when they are.
  if (at) requestAnimationFrame(() => {
    at.scrollIntoView({ block: 'center' });
    requestAnimationFrame(() => at.scrollIntoView({ block: 'center' }));
  });
  return view;
}
]==]
