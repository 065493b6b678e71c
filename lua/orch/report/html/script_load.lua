--- The page's script: how many jobs ran and how many queued at any time, above the timeline.

return [==[
// A count over time as the outline of an area: [time, count], each holding until the next.
function countOver(kinds) {
  const changes = [];
  for (const job of jobs) {
    for (const [kind, from, to] of stretches(job)) {
      if (kinds.includes(kind)) changes.push([from, 1], [to, -1]);
    }
  }
  changes.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const points = [];
  let count = 0, most = 0;
  for (const [time, by] of changes) {
    count += by;
    most = Math.max(most, count);
    const last = points[points.length - 1];
    if (last && last[0] === time) last[1] = count;
    else points.push([time, count]);
  }
  return { points, most };
}

function area(points, most, name) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  const y = (count) => (1 - 0.92 * count / most).toFixed(4);
  element.setAttribute('class', name);
  element.setAttribute('d', 'M0 1' + points.map(([time, count]) =>
    'H' + time.toFixed(3) + 'V' + y(count)).join('') + 'V1Z');
  return element;
}

function loadChart() {
  const chart = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  chart.setAttribute('preserveAspectRatio', 'none');
  chart.setAttribute('class', 'load');
  const running = countOver(['run']), queued = countOver(['queue']);
  // A long queue must not flatten what ran: both have their own height.
  if (queued.most > 0) chart.append(area(queued.points, queued.most, 'queued'));
  if (running.most > 0) chart.append(area(running.points, running.most, 'running'));
  return { chart, notes: ['at most ' + running.most + ' at once',
    queued.most > 0 ? 'at most ' + queued.most + ' queued' : ''] };
}
]==]
