--- The page's script: the timeline under the mouse: its parts, zoom, tips and clicks.

return [==[
const tip = make('div', { id: 'tip', class: 'panel', hidden: true, role: 'tooltip' });

function zoomTo(from, to) {
  const least = Math.min(gantt.end, Math.max(gantt.end / 1e5, 0.001));
  const span = Math.min(gantt.end, Math.max(least, to - from));
  gantt.from = Math.min(Math.max(0, from + (to - from - span) / 2), gantt.end - span);
  gantt.to = gantt.from + span;
  chooseRows();
}

function zoomBy(factor, at = (gantt.from + gantt.to) / 2) {
  zoomTo(at - (at - gantt.from) * factor, at + (gantt.to - at) * factor);
}

const timeAt = (event) => {
  const box = gantt.layer.getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  return gantt.from + share * (gantt.to - gantt.from);
};

function showTip(event) {
  const row = event.target.closest('.row');
  tip.hidden = !row;
  if (!row) return;
  tip.replaceChildren(...tipLines(row.job, event.target.stretch));
  const right = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 18 + tip.offsetHeight < innerHeight;
  tip.style.left = Math.max(4, right) + 'px';
  tip.style.top = (below ? event.clientY + 18 : event.clientY - tip.offsetHeight - 10) + 'px';
}

// Dragging along the axis chooses what to look at.
function sweep(event) {
  const start = timeAt(event), box = make('i', { class: 'sweep' });
  gantt.layer.append(box);
  const move = (now) => {
    const a = Math.min(start, timeAt(now)), b = Math.max(start, timeAt(now));
    box.style.left = percent(a) + '%';
    box.style.width = percent(b) - percent(a) + '%';
  };
  const done = (now) => {
    removeEventListener('pointermove', move);
    box.remove();
    const a = Math.min(start, timeAt(now)), b = Math.max(start, timeAt(now));
    if (b - a > (gantt.to - gantt.from) / 100) zoomTo(a, b);
  };
  addEventListener('pointermove', move);
  addEventListener('pointerup', done, { once: true });
  event.preventDefault();
}

function onWheel(event) {
  const span = gantt.to - gantt.from;
  if (event.ctrlKey || event.metaKey) zoomBy(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event));
  else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    const by = span * (event.deltaX || event.deltaY) / 1000;
    zoomTo(gantt.from + by, gantt.to + by);
  } else return;
  event.preventDefault();
}

function zoomTools() {
  const button = (text, label, click) =>
    make('button', { type: 'button', text, 'aria-label': label, title: label, click });
  const only = button('Critical path', 'Only the critical path', () => {
    gantt.critical = !gantt.critical;
    only.setAttribute('aria-pressed', gantt.critical);
    gantt.view.scrollTop = 0;
    chooseRows();
  });
  only.setAttribute('aria-pressed', 'false');
  byId('zoom').append(...(jobs.some((job) => job.critical) ? [only] : []),
    button('−', 'Zoom out', () => zoomBy(2)), button('+', 'Zoom in', () => zoomBy(0.5)),
    button('Fit', 'The whole run', () => zoomTo(0, gantt.end)));
}

function timelineKey() {
  const item = (name, text) => make('span', {}, make('i', { class: name }), text);
  const some = (kind) => jobs.some((job) => stretches(job).some((one) => one[0] === kind));
  return make('p', { class: 'key' }, item('s-ok', 'ran'),
    data.jobs.some((job) => job.attempts.some((attempt) => attempt.status === 'failed'))
      ? item('s-failed', 'failed') : null,
    some('queue') ? item('queue', 'queued') : null,
    some('pause') ? item('pause', 'until retried') : null,
    item('crit', 'critical path'),
    make('span', { text: 'Drag along the top to zoom, Ctrl and the wheel too.' }));
}

function openTimeline() {
  if (!jobs.some((job) => startOf(job) !== undefined)) {
    byId('timeline').hidden = true;
    gantt.canvas = gantt.view = gantt.layer = gantt.axis = gantt.load = make('div');
    return;
  }
  const load = loadChart();
  gantt.load = load.chart;
  gantt.axis = make('div', { class: 'axis' });
  gantt.top = make('div', { class: 'over', 'aria-hidden': 'true',
    pointerdown: sweep }, gantt.load, gantt.axis);
  byId('gantt').append(make('p', { class: 'most' }, ...load.notes.map((text) =>
    make('span', { text }))));
  gantt.layer = make('div', { class: 'layer' });
  gantt.canvas = make('div', { class: 'canvas' }, gantt.layer);
  gantt.view = make('div', { class: 'view', scroll: () => requestAnimationFrame(paintRows) },
    gantt.canvas);
  gantt.view.addEventListener('wheel', onWheel, { passive: false });
  gantt.view.addEventListener('mousemove', showTip);
  gantt.view.addEventListener('mouseleave', () => { tip.hidden = true; });
  gantt.view.addEventListener('click', (event) => {
    const row = event.target.closest('.row');
    if (row) openJob(row.job.i, { focus: true,
      attempt: event.target.stretch && event.target.stretch[3] && event.target.stretch[3].number });
  });
  byId('gantt').append(gantt.top, gantt.view);
  byId('timeline').append(timelineKey());
  document.body.append(tip);
  zoomTools();
  chooseRows();
  // In pixels, for a share would be another one beside the bar that scrolls.
  const place = byId('gantt');
  new ResizeObserver(() => {
    const names = Math.min(240, Math.max(120, 0.27 * place.clientWidth));
    place.style.setProperty('--names', Math.round(names) + 'px');
    chooseRows();
  }).observe(place);
}

openTimeline();
]==]
