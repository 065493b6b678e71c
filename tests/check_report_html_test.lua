-- The page of a check: what is in it, and what it does in a real browser.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local browser = dofile(here .. "/helper/browser.lua")
local html = require "orch.check.report.html"
local results = dofile(here .. "/helper/check_result.lua")
local rules = require "orch.check.report.rules"

local function page_of(result, more)
  local opts = { render = results.draw, paths = { "Assets" }, time = 1763841600 }
  for name, value in pairs(more or {}) do opts[name] = value end
  return html(result, opts)
end

local function count(text, what)
  return select(2, text:gsub(what, ""))
end

describe("the page as a file", function()
  it("needs nothing else", function()
    for _, page in ipairs {
      page_of(results.few(results.aside())), rules(results.rules(), { format = "html" }),
    } do
      expect(page):contains "default-src 'none'"
      for _, pattern in ipairs { "url%(", "@import", "<link", '<script [^>]*src', "<iframe" } do
        expect(page).never:matches(pattern)
      end
      for source in page:gmatch 'src="([^"]*)"' do
        expect(source):matches "^data:image/png;base64,"
      end
    end
  end)

  it("escapes whatever files and rules are called", function()
    local page = page_of(results.evil())
    expect(page).never:contains "<img src=x"
    expect(count(page, "<script")):equals(1)
    expect(count(page, "</script")):equals(1)
    expect(page).never:contains "\27"
    expect(page).never:contains "\u{202e}"
    expect(utf8.len(page)):is_a "number"
    local book = rules(results.of({ results.few().findings[1] }).rules, { format = "html" })
    expect(book).never:contains "<script"
  end)

  it("links to what a browser may follow, and to nothing else", function()
    local result = results.few()
    result.rules[4].docs = "javascript:alert(1)//%s"
    result.rules[3].docs = 'https://x.example/"onclick=%s'
    local page = page_of(result)
    expect(page).never:contains 'href="javascript:'
    expect(page).never:contains '"onclick'
    expect(page):contains 'href="https://wiki.example.net/art/textures#texture.name"'
  end)

  it("has so many pictures and no more, those of the rules before thumbnails", function()
    local all = page_of(results.many(300))
    expect(count(all, "<img ")):greater_than(150)
    expect(all):matches "%d+ pictures had no room in this file"
    local few = page_of(results.many(300), { most_pictures = 10 })
    expect(count(few, "<img ")):equals(10)
    expect(few):contains "pictures had no room in this file"
    expect(count(page_of(results.many(300), { picture_bytes = "40K" }), "<img ")):less_than(5)
    expect(count(page_of(results.many(30), { most_pictures = 0 }), "<img ")):equals(0)
    expect(count(page_of(results.many(30), { picture_time = 0 }), "<img ")):less_than(6)
  end)

  it("draws a picture once, from the project's folder", function()
    local drawn = {}
    local page = page_of(results.few(), { render = function(picture)
      drawn[#drawn + 1] = picture.path .. " " .. (picture.channel or "")
      return results.draw(picture)
    end })
    table.sort(drawn)
    expect(drawn):equals { "/srv/game/Assets/Heroes/T_Hair_D.tga ",
      "/srv/game/Assets/Props/T_Crate_N.png ", "/srv/game/Assets/Props/T_Crate_N.png b",
      "/srv/game/Assets/UI/T_Frame_D.png ", "/srv/game/Assets/UI/t_icon_d.png " }
    expect(count(page, "<img ")):equals(6)
  end)

  it("is made also where no picture can be", function()
    local page = page_of(results.few(results.aside()), { render = function() error "no" end })
    expect(page):contains "7 pictures could not be drawn."
    expect(page).never:contains "<img "
    expect(page_of(results.of {})):contains "No problems"
  end)

  it("refuses an unknown option", function()
    local err = expect(function() html(results.few(), { path = {} }) end):raises "usage"
    expect(err.message):contains "did you mean `paths`"
  end)
end)

local in_browser = browser.there() and describe or function(name, _)
  describe(name, function()
    it("needs chromium", function() test.skip "chromium is not installed" end)
  end)
end

in_browser("the page in a browser", { timeout = "2m" }, function()
  it("can be grouped, sorted, filtered and searched", function()
    local seen = browser.look(page_of(results.few()), [[
      const groups = () => $$('#list h3').map((h) => h.textContent);
      const paths = () => $$('#list .finding').map((card) => card.dataset.path);
      const pick = (name, value) => {
        $('#' + name).value = value;
        $('#' + name).dispatchEvent(new Event('change'));
      };
      const found = { rules: groups(), shown: $('#shown').textContent };
      pick('group', 'folder');
      found.folders = groups();
      pick('group', 'owner');
      found.owners = groups();
      pick('group', 'severity');
      found.severities = groups();
      pick('group', 'none');
      pick('sort', 'vram');
      found.vram = paths();
      pick('sort', 'path');
      found.path = paths();
      $('[data-only=error]').click();
      found.errors = paths();
      found.some = $('#shown').textContent;
      $('[data-only=fix]').click();
      found.fix = paths();
      $('[data-only=fix]').click();
      type($('#query'), '@SOUND steps');
      await sleep(300);
      found.searched = paths();
      found.address = location.hash;
      type($('#query'), 'nothing like that');
      await sleep(300);
      found.none = !$('#none').hidden;
      key('Escape', $('#query'));
      key('/');
      found.focus = document.activeElement.id;
      pick('group', 'rule');
      found.back = groups();
      found.why = $('#list .about p').textContent;
      found.requests = performance.getEntriesByType('resource')
        .filter((entry) => !entry.name.startsWith('data:')).length;
      return found;
    ]])
    expect(seen.console):equals {}
    local r = seen.result
    local by_rule = { "Texture fits the memory budget 1",
      "Names are unique and follow T_Name_Suffix 1",
      "Normal maps are linear and really are normal maps 1",
      "Sample rate is one that the game mixes 1", "Alpha channel is used 2" }
    expect(r.rules):equals(by_rule)
    expect(r.shown):equals "6 findings"
    expect(r.folders):equals { "Assets/Props 2 · 16.0 MiB VRAM", "Assets/UI 2 · 512.0 KiB VRAM",
      "Assets/Audio 1 · 302.7 KiB Disk · 0.4 Run time", "Assets/Heroes 1 · 4.0 MiB VRAM" }
    expect(r.owners):equals { "@tech-art 5 · 20.5 MiB VRAM",
      "@sound 1 · 302.7 KiB Disk · 0.4 Run time" }
    expect(r.severities):equals { "Errors 3 · 16.0 MiB VRAM",
      "Warnings 1 · 302.7 KiB Disk · 0.4 Run time", "Notes 2 · 4.5 MiB VRAM" }
    expect(table.move(r.vram, 1, 3, 1, {})):equals { "Assets/Props/T_Crate_N.png",
      "Assets/Heroes/T_Hair_D.tga", "Assets/UI/T_Frame_D.png" }
    expect(r.path):equals { "Assets/Audio/steps.wav", "Assets/Heroes/T_Hair_D.tga",
      "Assets/Props/T_Crate_N.png", "Assets/Props/T_Crate_N.png", "Assets/UI/T_Frame_D.png",
      "Assets/UI/t_icon_d.png" }
    expect({ #r.errors, r.some, #r.fix }):equals { 3, "3 of 6", 3 }
    expect(r.searched):equals { "Assets/Audio/steps.wav" }
    expect(r.address):equals "#group=none&sort=path&q=%40SOUND%20steps"
    expect({ r.none, r.focus, r.requests }):equals { true, "query", 0 }
    -- By path the titles of groups are sorted, too.
    table.sort(by_rule)
    table.sort(r.back)
    expect(r.back):equals(by_rule)
    expect(r.why):is_a "string"
  end)

  it("opens as it was sent", function()
    local seen = browser.look(page_of(results.few()), [[
      return { groups: $$('#list h3').length, query: $('#query').value, sort: $('#sort').value,
        group: $('#group').value };
    ]], { address = "#group=folder&sort=vram&q=png&only=nonsense" })
    expect(seen.result):equals { groups = 2, query = "png", sort = "vram", group = "folder" }
    seen = browser.look(page_of(results.few()), "return $$('#list .finding').length",
      { address = "#group=__proto__&sort=x&q=%E0%A4%A" })
    expect(seen.console):equals {}
    expect(seen.result):equals(6)
  end)

  it("compares before and after", function()
    local seen = browser.look(page_of(results.few(results.aside())), [[
      const at = () => getComputedStyle($('.stage .after')).clipPath;
      const found = { first: at(), pictures: $$('.stage img').length };
      const input = $('.stage input');
      input.value = 20;
      input.dispatchEvent(new Event('input'));
      found.second = at();
      found.label = input.getAttribute('aria-label');
      found.undo = $('#fixed .command').textContent;
      found.waived = $('#waived tbody').textContent;
      found.closed = !$('#waived').open && !$('#rules').open && $('#fixed').open;
      return found;
    ]])
    expect(seen.console):equals {}
    local r = seen.result
    expect({ r.first, r.second, r.pictures }):equals { "inset(0px 0px 0px 50%)",
      "inset(0px 0px 0px 20%)", 2 }
    expect(r.label):equals "Assets/Props/T_Door_N.png: before and after"
    expect(r.undo):equals "orch check --undo 20261122-200000"
    expect(r.waived):contains "the boss fills the screen"
    expect(r.closed):equals(true)
  end)

  it("takes nothing for markup", function()
    local seen = browser.look(page_of(results.evil()), [[
      const found = { bad: document.querySelectorAll('img:not([src^="data:"])').length,
        scripts: document.querySelectorAll('main script').length, title: document.title,
        message: $('.finding .message').textContent, before: violations.length };
      type($('#query'), '<\/script><img');
      await sleep(300);
      found.hits = $$('#list .finding').length;
      document.body.insertAdjacentHTML('beforeend', '<img src="x" onerror="document.title=2">');
      await sleep(300);
      found.forbidden = violations.length > 0;
      found.after = document.title;
      return found;
    ]])
    expect(seen.result.bad):equals(0)
    expect(seen.result.scripts):equals(0)
    expect(seen.result.before):equals(0)
    expect(seen.result.hits):equals(9)
    expect(seen.result.forbidden):equals(true)
    expect(seen.result.after):equals(seen.result.title)
    expect(seen.result.message):contains "</script><img src=x onerror=alert(1)>"
  end)

  it("shows five thousand findings, of which it lays out those in view", function()
    local page = page_of(results.many(5000), { most_pictures = 50 })
    expect(#page):less_than(10 << 20)
    local seen = browser.look(page, [[
      const drawn = () => $$('.finding .say').filter((element) =>
        element.checkVisibility({ contentVisibilityAuto: true })).length;
      const found = { cards: $$('.finding').length, drawn: drawn() };
      scrollTo(0, document.documentElement.scrollHeight / 2);
      await sleep(300);
      found.middle = drawn();
      $('#group').value = 'folder';
      $('#group').dispatchEvent(new Event('change'));
      await sleep(300);
      found.groups = $$('#list .group').length;
      found.folder = drawn();
      type($('#query'), 'thing0042');
      await sleep(400);
      found.one = $$('.finding').length;
      return found;
    ]])
    expect(seen.console):equals {}
    local r = seen.result
    expect({ r.cards, r.groups, r.one }):equals { 5000, 6, 1 }
    for _, n in ipairs { r.drawn, r.middle, r.folder } do
      expect(n):greater_than(0)
      expect(n):less_than(400)
    end
  end)

  it("fits a telephone and a large screen, and has names for all that can be used", function()
    for _, window in ipairs { "400,800", "800,600", "1900,1000" } do
      for _, result in ipairs { results.few(results.aside()), results.evil(), results.broken() } do
        local seen = browser.look(page_of(result), [[
          for (const fold of $$('details')) fold.open = true;
          const nameless = $$('button, input, a, select').filter((element) =>
            !(element.textContent.trim() || element.getAttribute('aria-label')
              || element.labels?.length));
          const levels = $$('h1, h2, h3').map((heading) => Number(heading.tagName[1]));
          const ids = $$('[id]').map((element) => element.id);
          return { nameless: nameless.length, first: levels[0],
            jumps: levels.filter((level, i) => i > 0 && level > levels[i - 1] + 1).length,
            doubles: ids.filter((id, i) => ids.indexOf(id) !== i),
            wide: document.documentElement.scrollWidth - document.documentElement.clientWidth };
        ]], { window = window })
        expect(seen.result):equals { nameless = 0, first = 1, jumps = 0, doubles = {}, wide = 0 }
      end
    end
  end)

  it("is light or dark as the system is, or as was chosen", function()
    local code = [[
      const back = () => getComputedStyle(document.body).backgroundColor;
      const found = { first: back(), button: $('#theme').textContent };
      $('#theme').click();
      found.second = back();
      return found;
    ]]
    local page = page_of(results.few())
    local light = browser.look(page, code).result
    local dark = browser.look(page, code, { arguments = { "--force-dark-mode" } }).result
    expect(light.first).never:equals(light.second)
    expect({ light.button, dark.button }):equals { "Dark", "Light" }
    expect({ dark.first, dark.second }):equals { light.second, light.first }
  end)

  it("stands without scripts", function()
    -- What is not in view has no text for the script that asks here.
    local page = page_of(results.few(results.aside())):gsub("content%-visibility: auto;", "")
    local text = browser.without_scripts(page)
    for _, words in ipairs {
      "3 errors, 1 warning, 2 notes", "20.5 MiB", "Texture fits the memory budget",
      "4096 x 4096 is bigger than the 2048 px budget", "at most 2048 px", "remove the sRGB tag",
      "orch check --fix Assets", "A texture takes four times the memory",
    } do
      expect(text):contains(words)
    end
    expect(text).never:contains "Group by"
  end)
end)
