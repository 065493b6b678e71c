-- orch.report.html: what is in the page, and what it does in a real browser.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local browser = dofile(here .. "/helper/browser.lua")
local fixture = dofile(here .. "/helper/run_fixture.lua")
local html = require "orch.report.html"
local json = orch.json
local model = require "orch.pipeline.model"
local fs = orch.fs

local function page_of(opts, more)
  local folder = test.temp_dir() .. "/run"
  local run = fixture.write(folder, opts)
  local options = { folder = folder }
  for key, value in pairs(more or {}) do options[key] = value end
  return html(model.load(run.events), options), folder
end

--- A page of records that a test writes itself, and of logs: { [job] = text }.
local function page_from(records, logs, more)
  local folder, run = test.temp_dir() .. "/run", model.new()
  fs.mkdir(folder)
  for job, text in pairs(logs or {}) do
    local place = fixture.log_folder(folder, job, 1)
    fs.mkdir(place)
    fs.write(place .. "/log", text)
  end
  for i, record in ipairs(records) do
    record.t = record.t or i
    run:apply(record)
  end
  local options = { folder = folder }
  for key, value in pairs(more or {}) do options[key] = value end
  return html(run, options), run
end

local start = { event = "run_start", version = 1, run = "20251122-200000-3fa9", time = 1763841600,
  script = "deploy.lua" }

local function one_job(name, fields)
  local records = { start, { event = "job", job = name, needs = {}, after = {} },
    { event = "job_start", job = name, attempt = 1, reason = "it never ran" },
    { event = "job_end", job = name, attempt = 1, status = "ok", elapsed = 1 } }
  for key, value in pairs(fields or {}) do records[4][key] = value end
  return records
end

local function count(text, what)
  return select(2, text:gsub(what, ""))
end

describe("the report as a file", function()
  it("needs nothing else", function()
    local page = page_of { jobs = 30 }
    expect(page):contains "default-src 'none'"
    expect(page):matches "script%-src 'sha256%-[%w+/]+=*'"
    for _, pattern in ipairs {
      "<[^>]* src%s*=", "url%(", "@import", 'href="http', "<link[^>]*style",
    } do
      expect(page).never:matches(pattern)
    end
  end)

  it("is the same for the same run", function()
    local folder = test.temp_dir() .. "/run"
    local events = fixture.write(folder, { jobs = 20 }).events
    expect(html(model.load(events), { folder = folder })
      == html(model.load(events), { folder = folder })):is(true)
  end)

  it("says what failed, why, and how to go on", function()
    local page, folder = page_of { jobs = 30 }
    expect(page):contains "deploy.lua failed after 4m 00s"
    expect(page):contains '<span class="tag">Root cause</span>'
    expect(page):contains "unity -batchmode -quit -executeMethod Build.build_ios_02"
    expect(page):contains(folder .. "/jobs/build%3Aios-02/2/log")
    expect(page):contains "Build of build:ios-02 failed, attempt 2"
    expect(page):contains "orch run deploy.lua --only build:ios-02 --profile=release"
    expect(page):contains "orch resume 20251122-200000-3fa9"
    expect(count(page, "<tr data%-i=")):equals(30)
  end)

  it("tells a run that was killed, and one that was resumed", function()
    local killed = page_of { jobs = 12, stop = 60 }
    expect(killed):contains "ended without a word"
    expect(killed):contains "orch resume"
    local resumed = page_of { jobs = 12, resume = true }
    expect(resumed):contains "2 sessions"
    expect(resumed):contains "resumed 2025-11-22 20:03"
  end)

  it("has no failures, no path and no jobs where there are none", function()
    local page = page_from { start, { event = "run_end", status = "ok", exit_code = 0 } }
    expect(page):contains "The run had no jobs."
    expect(page).never:contains "Root cause"
    expect(page_from(one_job "a")):contains "1 job of"
  end)

  it("escapes whatever a run says, also in its log", function()
    local evil = "</script><img src=x onerror=alert(1)>'\"&\u{2028}\0"
    local page = page_from(one_job(evil, { status = "failed", error = { kind = evil, message = evil,
      command = evil, where = evil, traceback = evil } }), { [evil] = evil .. "\n" .. evil })
    expect(page).never:contains "<img"
    expect(page).never:contains "\0"
    expect(count(page, "<script")):equals(count(page, "</script>"))
    expect(page):contains "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"
  end)

  it("masks a secret that became known after the run", function()
    local secret = "hunter2-of-the-store"
    local records = one_job("login", { status = "failed", error = { message = "no " .. secret },
      value = { token = secret } })
    local before = orch.secrets.count()
    orch.secrets.mask(secret)
    local page = page_from(records, { login = "key " .. secret .. "\n" })
    orch.secrets.forget(before)
    expect(page).never:contains(secret)
    expect(page):contains "key ***"
  end)

  it("refuses an unknown option", function()
    local err = expect(function() html(model.new(), { folders = "x" }) end):raises "usage"
    expect(err.message):contains "did you mean `folder`"
  end)
end)

describe("the logs in a report", function()
  local function embedded(page, i, attempt)
    return json.decode(page:match(('id="log%%-%d%%-%d">(.-)</script>'):format(i, attempt)))
  end

  it("are whole when they are small, and have both ends when they are not", function()
    local lines = {}
    for i = 1, 5000 do lines[i] = ("line %d of a log"):format(i) end
    local text = table.concat(lines, "\n") .. "\n"
    expect(embedded(page_from(one_job "a", { a = text }), 0, 1)):equals { text }
    local page = page_from(one_job "a", { a = text }, { max_log = "10K" })
    local head, tail = table.unpack(embedded(page, 0, 1))
    expect(head):matches "^line 1 of a log\n"
    expect(head):matches "of a log\n$"
    expect(tail):matches "^line %d+ of a log\n"
    expect(tail):matches "line 5000 of a log\n$"
    expect(#head + #tail <= 10240):is(true)
    expect(page):contains(('"left_out":%d'):format(#text - #head - #tail))
    expect(page):contains "1 of the logs are not whole here"
  end)

  it("keep within the limit of all of them, those of failed jobs first", function()
    local page = page_of({ jobs = 30, log_lines = 2000 }, { max_logs = "600K" })
    local largest, failed = 0, nil
    for i, attempt, text in page:gmatch 'id="log%-(%d+)%-(%d+)">(.-)</script>' do
      local head, tail = table.unpack(json.decode(text))
      if page:find(('<tr data%%-i="%d"><td class="s%%-failed"'):format(i)) then
        failed = failed or not tail
      else
        largest = math.max(largest, #head + #(tail or ""))
      end
      expect(attempt):matches "%d"
    end
    expect(failed):is(true)
    expect(largest):less_than(20000)
    expect(#page):less_than(900 * 1024)
  end)

  it("may be missing, unreadable bytes or one long line", function()
    local page = page_from(one_job "a", { a = "caf\xe9 \xff\n" .. ("x"):rep(1 << 20) })
    local head, tail = table.unpack(embedded(page, 0, 1))
    expect(head):matches "^caf\u{FFFD} \u{FFFD}\n"
    expect(tail):matches "^x+$"
    expect(page_from(one_job "a")).never:contains 'id="log-0-1"'
    expect(html(page_from and model.new(), {})):contains "The run had no jobs."
  end)
end)

local in_browser = browser.there() and describe or function(name, _)
  describe(name, function()
    it("needs chromium", function() test.skip "chromium is not installed" end)
  end)
end

in_browser("the report in a browser", { timeout = "2m" }, function()
  it("can be searched, sorted, filtered and walked through", function()
    local page = page_of { jobs = 30 }
    local seen = browser.look(page, [[
      const names = () => $$('#rows tr').filter((row) => !row.hidden)
        .map((row) => row.children[1].textContent);
      const found = { rows: names().length, bars: $$('#gantt .run').length };
      type($('#query'), 'cs0246');
      await sleep(500);
      found.note = $('#hits .note').textContent;
      found.marks = $$('#hits mark').length;
      $$('#hits button').find((button) => button.textContent.startsWith('42')).click();
      await sleep(100);
      found.opened = $('#h-job').textContent;
      found.line = $('#job .lines p.at').textContent;
      found.marked = $('#job .lines p.at mark').textContent;
      found.red = $('#job .lines p.at .f1') !== null;
      found.address = location.hash;
      key('Escape');
      found.closed = $('#job').hidden;
      $('th[data-sort=elapsed] button').click();
      found.slowest = names()[0];
      found.sorted = $('th[data-sort=elapsed]').getAttribute('aria-sort');
      $('th[data-sort=elapsed] button').click();
      found.fastest = names()[0];
      $('th[data-sort=elapsed] button').click();
      found.declared = names()[0];
      $('#filters button[data-state=cancelled]').click();
      found.cancelled = names();
      found.shown = $('#shown').textContent;
      $('#filters button[data-state=cancelled]').click();
      type($('#filter'), 'IOS');
      found.filtered = names();
      type($('#filter'), 'nothing like that');
      found.empty = !$('#empty').hidden;
      type($('#filter'), '');
      document.activeElement.blur();
      key('j'); key('j'); key('j'); key('k'); key('Enter');
      found.walked = $('#h-job').textContent;
      key('j');
      found.further = $('#h-job').textContent;
      key('/');
      found.focus = document.activeElement.id;
      key('Escape', document.activeElement);
      key('Escape');
      found.end = $('#job').hidden;
      found.requests = performance.getEntriesByType('resource').length;
      return found;
    ]])
    expect(seen.console):equals {}
    expect(seen.result):equals {
      rows = 30, bars = seen.result.bars, note = "3 hits in 3 logs", marks = 4,
      opened = "✕ build:ios-02",
      line = "Assets/Scripts/Store.cs(88,14): error CS0246: The type 'IStore' could not be found",
      marked = "CS0246", red = true, address = "#job=build%3Aios-02", closed = true,
      slowest = "build:android-01", sorted = "descending", fastest = "notify", declared = "fetch",
      cancelled = { "test:suite-03", "upload:store-01" }, shown = "2 of 30",
      -- That of the tests was cancelled because of it, and says so.
      filtered = { "build:ios-02", "build:ios-05", "test:suite-03" }, empty = true,
      walked = "✓ build:android-04", further = "✓ build:ios-05", focus = "query",
      ["end"] = true, requests = 0,
    }
    expect(seen.result.bars):greater_than(10)
  end)

  it("takes nothing of a log or a name for markup", function()
    local evil = '</script><script>document.title="hit"</script>'
      .. '<img src=x onerror="document.title=1">'
    local log = evil
      .. "\u{2028}\u{202e}\0\27[31mred\27]8;;javascript:alert(1)\7link\27]8;;\7\27[0m\n"
      .. "10%\r\27[32m100%\r\n" .. "\27[38;2;1;2;3mrgb\27[48;5;200mback\27[999;m\n"
      .. ("long "):rep(30000) .. "\n" .. "caf\xe9\n" .. "end </pre>"
    local page = page_from(one_job(evil, { status = "failed",
      error = { kind = "x", message = evil }, value = { evil, ["</script>"] = evil },
      outputs = { { evil, 5 } } }), { [evil] = log })
    local seen = browser.look(page, [[
      $('#rows tr').click();
      await sleep(300);
      const lines = $$('#job .lines p').map((line) => line.querySelector('span').textContent);
      const found = { title: document.title, images: document.images.length,
        scripts: $$('main script, #job script').length,
        name: $('#h-job').textContent, count: lines.length, first: lines[0], second: lines[1],
        third: lines[2], long: lines[3].length, more: $('#job .more').textContent,
        fifth: lines[4], last: lines[5], links: $$('#job .lines a').length,
        red: $('#job .lines .f1').textContent, green: $('#job .lines .f2').textContent };
      $('#job .more').click();
      found.all = $$('#job .lines p')[3].textContent.length;
      type($('#query'), '<script>');
      await sleep(300);
      found.hit = $('#hits mark').textContent;
      document.body.insertAdjacentHTML('beforeend', '<img src="x" onerror="document.title=2">');
      await sleep(300);
      found.forbidden = violations.length > 0;
      found.after = document.title;
      return found;
    ]])
    local r = seen.result
    expect(r.title):equals("▶ deploy.lua · 20251122-200000-3fa9")
    expect(r.after):equals(r.title)
    expect(r.forbidden):is(true)
    expect({ r.images, r.scripts, r.links }):equals { 0, 0, 0 }
    expect(r.name):equals("✕ " .. evil)
    expect(r.first):equals(evil .. "\u{FFFD}\u{FFFD}\u{2400}redlink")
    expect(r.second):equals "100%"
    expect(r.third):equals "rgbback"
    expect(r.count):equals(6)
    expect(r.fifth):equals "caf\u{FFFD}"
    expect(r.last):equals "end </pre>"
    expect({ r.red, r.green, r.hit }):equals { "red", "100%", "<script>" }
    expect(r.more):equals "… 146,000 more characters"
    expect(r.all):equals(150000)
  end)

  it("shows a thousand jobs", function()
    local page = page_of { jobs = 1000, slots = 16, failures = 3 }
    expect(#page):less_than(5 << 20)
    local seen = browser.look(page, [[
      const rows = () => $$('#rows tr').filter((row) => !row.hidden).length;
      const found = { rows: rows(), lines: $$('#gantt .row').length };
      $('#gantt .view').scrollTop = 1e6;
      await sleep(200);
      found.bottom = $$('#gantt .row').pop().textContent;
      found.still = $$('#gantt .row').length;
      $$('#zoom button').find((button) => button.textContent === '+').click();
      await sleep(100);
      found.zoomed = parseFloat($('#gantt .canvas').style.height);
      $$('#zoom button').find((button) => button.textContent === 'Critical path').click();
      await sleep(100);
      found.critical = $$('#gantt .row').every((row) => row.classList.contains('critical'));
      $('#filters button[data-state=failed]').click();
      found.failed = rows();
      type($('#query'), 'CS0246');
      await sleep(3000);
      found.note = $('#hits .note').textContent;
      found.done = $('#hits').dataset.done;
      return found;
    ]])
    expect(seen.console):equals {}
    local r = seen.result
    expect({ r.rows, r.failed, r.done, r.critical }):equals { 1000, 3, "true", true }
    expect(r.lines):less_than(60)
    expect(r.lines):greater_than(15)
    expect(r.still):less_than(60)
    expect(r.zoomed):less_than(1000 * 24)
    expect(r.note):matches "^%d+ hits in %d+ logs"
  end)

  it("is light or dark as the system is, or as was chosen", function()
    local page = page_of { jobs = 5 }
    local code = [[
      const back = () => getComputedStyle(document.body).backgroundColor;
      const found = { first: back(), button: $('#theme').textContent };
      $('#theme').click();
      found.second = back();
      return found;
    ]]
    local light = browser.look(page, code).result
    local dark = browser.look(page, code, { arguments = { "--force-dark-mode" } }).result
    expect(light.first).never:equals(light.second)
    expect({ light.button, dark.button }):equals { "Dark", "Light" }
    expect({ dark.first, dark.second }):equals { light.second, light.first }
  end)

  it("opens a job from the graph, the timeline and the address", function()
    local page = page_of({ jobs = 12 }, { graph_svg = '<svg width="50" height="20">'
      .. '<g id="job-fetch" data-job="fetch"><rect width="40" height="9"/></g></svg>' })
    local seen = browser.look(page, [[
      const found = { address: $('#h-job').textContent };
      $('#graph rect').dispatchEvent(new MouseEvent('click', { bubbles: true }));
      found.graph = $('#h-job').textContent;
      $$('#gantt .row button')[1].click();
      found.timeline = $('#h-job').textContent;
      $('#job .bar button').click();
      found.closed = $('#job').hidden;
      return found;
    ]], { address = "#job=notify" })
    expect(seen.console):equals {}
    expect(seen.result):equals { address = "✓ notify", graph = "✓ fetch",
      timeline = seen.result.timeline, closed = true }
    expect(seen.result.timeline).never:equals "✓ fetch"
  end)

  it("shows a run that goes on, one that was resumed, and one without jobs", function()
    local code = "return { rows: $$('#rows tr').length, timeline: !$('#timeline').hidden }"
    for jobs, page in pairs {
      [12] = page_of { jobs = 12, stop = 60 }, [13] = page_of { jobs = 13, resume = true },
      [0] = page_from { start },
    } do
      local seen = browser.look(page, code)
      expect(seen.console):equals {}
      expect(seen.result):equals { rows = jobs, timeline = jobs > 0 }
    end
  end)

  it("has names for all that can be used, and one order of headings", function()
    local seen = browser.look(page_of { jobs = 30 }, [[
      $('.root [data-job]').click();
      const nameless = $$('button, input, a').filter((element) =>
        !(element.textContent.trim() || element.getAttribute('aria-label')));
      const levels = $$('h1, h2, h3').map((heading) => Number(heading.tagName[1]));
      const ids = $$('[id]').map((element) => element.id);
      return { nameless: nameless.length, first: levels[0],
        jumps: levels.filter((level, i) => i > 0 && level > levels[i - 1] + 1).length,
        doubles: ids.filter((id, i) => ids.indexOf(id) !== i),
        wide: document.documentElement.scrollWidth
          - document.documentElement.clientWidth };
    ]], { window = "800,600" })
    expect(seen.result):equals { nameless = 0, first = 1, jumps = 0, doubles = {}, wide = 0 }
  end)

  it("stands without scripts", function()
    local text = browser.without_scripts(page_of { jobs = 30 })
    expect(text):contains "deploy.lua failed after 4m 00s"
    expect(text):contains "unity ended with exit code 1"
    expect(text):contains "Build of build:ios-02 failed, attempt 2"
    expect(text):contains "upload:store-03"
    expect(text):contains "input Assets/UI-10 changed"
    expect(text):contains "CS0246: The type 'IStore' could not be found"
    expect(text).never:contains "Theme"
    expect(text).never:contains "Timeline"
  end)
end)
