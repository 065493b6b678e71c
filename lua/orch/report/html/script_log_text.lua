--- The page's script: what is in a log. Escape sequences become styles or vanish, what a
--- carriage return overwrote is gone, other control characters are shown as pictures.

return [==[
const escapes = new RegExp('\\x1b(?:' + [
  /\[([0-9:;<=>?]*)[ -\/]*([@-~])?/, // colours and the cursor
  /\][^\x07\x1b\n]*(?:\x07|\x1b\\)?/, // titles and links
  /[ -\/]*[0-~]?/,
].map((part) => part.source).join('|') + ')', 'g');
// Besides control characters: line separators, and what turns the direction of writing.
const invisible = /[\0-\x08\x0b-\x1f\x7f\u0080-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const picture = (c) => {
  const code = c.charCodeAt(0);
  return code < 32 ? String.fromCharCode(0x2400 + code) : code === 127 ? '\u2421' : '\ufffd';
};

// Only what was written last over a line; the styles before it still count.
function lastWritten(line) {
  if (!line.includes('\r')) return line;
  const pieces = line.replace(/\r+$/, '').split('\r');
  const last = pieces.pop();
  return pieces.map((piece) => (piece.match(escapes) || []).join('')).join('') + last;
}

const plainLine = (line) => lastWritten(line).replace(escapes, '').replace(invisible, picture);

function plainText(text) {
  if (text.includes('\r')) text = text.split('\n').map(lastWritten).join('\n');
  return text.includes('\x1b') ? text.replace(escapes, '') : text;
}

const cube = (n) => n === 0 ? 0 : 55 + 40 * n;
function paletteColor(n) {
  if (n >= 232) return Array(3).fill(8 + 10 * (n - 232)).join(',');
  n -= 16;
  return [cube(Math.floor(n / 36)), cube(Math.floor(n / 6) % 6), cube(n % 6)].join(',');
}

// Reads the colour that follows a 38 or 48; moves codes past it.
function extended(codes) {
  const kind = codes.shift();
  const byte = () => Math.min(255, Math.max(0, Number(codes.shift()) || 0));
  if (kind === 5) {
    const n = byte();
    return n < 16 ? n : paletteColor(n);
  }
  return kind === 2 ? [byte(), byte(), byte()].join(',') : undefined;
}

function applyCodes(style, text) {
  const codes = text === '' ? [0] : text.split(/[;:]/).map(Number);
  const flags = { 1: 'b1', 2: 'b2', 3: 'b3', 4: 'b4', 7: 'b7', 9: 'b9' };
  while (codes.length > 0) {
    const code = codes.shift();
    if (code === 0) { style.flags.clear(); style.fore = style.back = undefined; }
    else if (flags[code]) style.flags.add(flags[code]);
    else if (code === 22) { style.flags.delete('b1'); style.flags.delete('b2'); }
    else if (code > 22 && code < 30) style.flags.delete('b' + (code - 20));
    else if (code >= 30 && code <= 37) style.fore = code - 30;
    else if (code === 38) style.fore = extended(codes);
    else if (code === 39) style.fore = undefined;
    else if (code >= 40 && code <= 47) style.back = code - 40;
    else if (code === 48) style.back = extended(codes);
    else if (code === 49) style.back = undefined;
    else if (code >= 90 && code <= 97) style.fore = code - 82;
    else if (code >= 100 && code <= 107) style.back = code - 92;
  }
}

const newStyle = () => ({ flags: new Set(), fore: undefined, back: undefined });

// The pieces of a line, each with its style; `style` goes on to the next line.
function pieces(line, style) {
  const found = [];
  const add = (text) => {
    if (text === '') return;
    found.push({ text: text.replace(invisible, picture), flags: [...style.flags],
      fore: style.fore, back: style.back });
  };
  let at = 0;
  line = lastWritten(line);
  for (const match of line.matchAll(escapes)) {
    add(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === 'm' && /^[\d;:]*$/.test(match[1])) applyCodes(style, match[1]);
  }
  add(line.slice(at));
  return found;
}

// A log as it is embedded: its lines, and where lines were left out.
function readLog(job, attempt) {
  const element = byId('log-' + job.i + '-' + attempt.number);
  if (!element) return { head: '', tail: '' };
  const [head, tail] = JSON.parse(element.textContent);
  return { head, tail: tail ?? undefined };
}

const linesOf = (text) => {
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  return lines;
};
]==]
