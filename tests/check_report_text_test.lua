-- What a terminal shows of a check: orch.check.report.text and what it stands on.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local results = dofile(here .. "/helper/check_result.lua")
local text = require "orch.check.report.text"
local tty = require "orch.tty"

local function plain(result, more)
  local opts = { color = false, columns = 80 }
  for name, value in pairs(more or {}) do opts[name] = value end
  return text(result, opts)
end

local function lines_of(shown)
  local lines = {}
  for line in shown:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

local function finding(fields)
  local one = { rule = "texture.size", severity = "error", path = "Assets/a.png",
    message = "too big" }
  for name, value in pairs(fields or {}) do one[name] = value end
  return one
end

--- What is about one path, up to the next empty line.
local function block(shown, start)
  local from = shown:find(start, 1, true)
  return from and shown:sub(from, (shown:find("\n\n", from, true) or #shown))
end

describe("a finding", function()
  it("says what is wrong, what was found and wanted, what it costs, and what to do", function()
    expect(block(plain(results.few(), { paths = { "Assets" } }),
      "error   Assets/Props/T_Crate_N.png  texture.size")):equals [[
error   Assets/Props/T_Crate_N.png  texture.size
          4096 x 4096 is bigger than the 2048 px budget for this folder
          found: 4096 x 4096   wanted: at most 2048 px
          wastes 16.0 MiB of VRAM
          how:   resize it in your paint program, or raise the budget of this
                 folder in the rule
          fix:   orch check --fix --unsafe --rule texture.size Assets/Props/T_Crate_N.png
                 (resize to the budget)
          ask:   @tech-art, https://wiki.example.net/art/textures#texture.size
]]
  end)

  it("names its rule in the command only where the file has other fixes, too", function()
    local alone = results.of { finding { fix = "resize" } }
    expect(plain(alone)):contains "fix:   orch check --fix --unsafe Assets/a.png   (resize"
    local two = results.of { finding { fix = "resize" },
      finding { rule = "texture.normal-map", fix = "untag" } }
    expect(plain(two)):contains "orch check --fix --unsafe --rule texture.size Assets/a.png"
    expect(plain(two)):contains "orch check --fix --rule texture.normal-map Assets/a.png"
  end)

  it("offers no fix that its rule does not have", function()
    expect(plain(results.of { finding { fix = "shrink" } })).never:contains "--fix"
    expect(plain(results.of { finding { fix = "x", rule = "gone" } })).never:contains "--fix"
  end)

  it("has its place, what it is about besides, and says once whom to ask", function()
    local shown = plain(results.few())
    expect(block(shown, "error   Assets/UI/t_icon_d.png")):contains
      "see:   Assets/UI/Old/T_Icon_D.png (the other one)"
    expect(select(2, shown:gsub("#texture.unused%-alpha", ""))):equals(1)
    local placed = plain(results.of { finding { line = 3, column = 7, pointer = "/meshes/0" } })
    expect(placed):contains "Assets/a.png:3:7"
    expect(placed):contains "at:    /meshes/0"
  end)

  it("shows the line of a rule that is broken, with marks below the word", function()
    local shown = plain(results.broken())
    expect(shown):contains [[
            14 | if math.max(img.widht, img.height) <= cfg.max then return end
               |                 ^^^^^
]]
    expect(shown):contains [[
             9 | local rate  local x = 1
               |             ^^^^^
]]
    expect(shown):contains "did you"
  end)

  it("marks the whole word where only its place is known, also behind other letters", function()
    local shown = plain(results.of { finding { rule = "rule.broken", line = 2, column = 9,
      code = { text = "-- ä ö wdth", column = 8 } } })
    expect(shown):contains "2 | -- ä ö wdth\n"
    expect(shown):contains "  |        ^^^^\n"
    for _, column in ipairs { 0, 1, 12, 13, 99999 } do
      expect(plain(results.of { finding { code = { text = "ab", column = column } } })):contains "^"
    end
  end)

  it("tells costs in the units that people know", function()
    local function cost_of(cost)
      return plain(results.of { finding { cost = cost } })
    end
    expect(cost_of { disk = 999 }):contains "wastes 999 B on disk\n"
    expect(cost_of { vram = 1 << 40, disk = 1536 }):contains
      "wastes 1.0 TiB of VRAM and 1.5 KiB on disk\n"
    expect(cost_of { triangles = 1, draw_calls = 12000, ms = 0.25 }):contains
      "costs 1 triangle, 12,000 draw calls and 0.25 ms\n"
    expect(cost_of { vram = 2048, bones = 3 }):contains "wastes 2.0 KiB of VRAM, costs 3 bones\n"
    expect(cost_of { vram = 0 }).never:contains "wastes"
    expect(cost_of { vram = 0 / 0 }):contains "nan"
  end)
end)

describe("findings that are alike", function()
  it("are told together, with the first few files and how to see all", function()
    local shown = plain(results.many(370), { paths = { "Assets" } })
    expect(shown):contains "185 files in Assets have the same problem  texture.size"
    expect(shown):contains "and 182 more: orch check --all --rule texture.size Assets"
    expect(shown):contains "fix:   orch check --fix --unsafe --rule texture.size Assets\n"
    expect(shown):matches "together they waste 2%.%d GiB of VRAM"
    expect(#lines_of(shown)):less_than(80)
  end)

  it("are named by the folder that has them all, the most costly first", function()
    local list = {}
    for i = 1, 5 do
      list[i] = finding { path = ("Assets/Props/%s/%d.png"):format(i % 2 == 0 and "A" or "B", i),
        cost = { vram = i << 20 } }
    end
    local shown = plain(results.of(list))
    expect(shown):contains "5 files in Assets/Props have the same problem"
    expect(shown):contains [[
          Assets/Props/B/5.png  5.0 MiB
          Assets/Props/A/4.png  4.0 MiB
          Assets/Props/B/3.png  3.0 MiB
          and 2 more:]]
    expect(shown):contains "3 in Assets/Props/B and 2 in Assets/Props/A"
  end)

  it("are one by one when they are few, and with `all`", function()
    local list = {}
    for i = 1, 3 do list[i] = finding { path = i .. ".png" } end
    expect(plain(results.of(list))).never:contains "same problem"
    list[4] = finding { path = "4.png" }
    expect(plain(results.of(list))):contains "4 files have the same problem"
    expect(plain(results.of(list), { all = true })).never:contains "same problem"
    expect(select(2, plain(results.many(500), { all = true }):gsub("\nerror ", ""))):equals(350)
  end)

  it("are the same by their format, not by the numbers in it", function()
    local list = {}
    for i = 1, 6 do
      list[i] = finding { path = i .. ".png", message = i .. " px", template = "%d px" }
    end
    list[7] = finding { path = "7.png", message = "7 px", template = "other" }
    local shown = plain(results.of(list))
    expect(shown):contains "6 files have the same problem"
    expect(shown):contains "error   7.png"
  end)

  it("in one file are no files", function()
    local list = {}
    for i = 1, 4 do list[i] = finding { line = i } end
    expect(plain(results.of(list))):contains "4 times in Assets/a.png"
    list[5] = finding { line = 1, path = "Assets/b.png" }
    expect(plain(results.of(list))):contains "5 findings in Assets say the same"
  end)

  it("keep the worst when there are too many of them", function()
    local list = {}
    for i = 1, 30 do
      list[i] = finding { path = i .. ".png", message = "m" .. i,
        severity = i <= 20 and "info" or "error" }
    end
    local shown = plain(results.of(list), { most = 12, paths = { "Assets" } })
    expect(shown):matches "^and 18 notes more: orch check %-%-all Assets\n"
    expect(select(2, shown:gsub("\nerror ", ""))):equals(10)
    expect(select(2, shown:gsub("\nnote ", ""))):equals(2)
  end)
end)

describe("the order", function()
  it("has the worst last, and what hides others after it", function()
    local order = {}
    for _, line in ipairs(lines_of(plain(results.few()))) do
      order[#order + 1] = line:match "^(%a+) +Assets"
    end
    expect(order):equals { "note", "note", "warning", "error", "error", "error" }
    local last
    for _, line in ipairs(lines_of(plain(results.broken()))) do
      last = line:match "^error +(%S+)" or last
    end
    expect(last):equals "checks/textures.lua:14:24"
  end)
end)

describe("the end", function()
  it("counts, adds up and offers what could be done", function()
    local lines = lines_of(plain(results.few(results.aside()), { paths = { "Assets", "a b" } }))
    expect(table.concat(lines, "\n", #lines - 5)):equals [[
1 fixed; to take it back: orch check --undo 20261122-200000
1 can be fixed safely: orch check --fix Assets 'a b'
2 more can be fixed, which changes the content: orch check --fix --unsafe Assets 'a b'
1 waived, 310 in the baseline
together they waste 20.5 MiB of VRAM and 302.7 KiB on disk, cost 0.4 ms
3 errors, 1 warning, 2 notes in 5 of 1,204 files; 0.31 s (1,180 unchanged)]]
  end)

  it("is one line where all is well", function()
    expect(plain(results.of {})):equals "no problems in 1,204 files; 0.31 s (1,180 unchanged)\n"
    expect(plain(results.of({}, { files = 1, checked = 0, cached = 1 }))):equals
      "no problems in 1 file; 0.31 s (all unchanged)\n"
    expect(plain(results.of({}, { files = 0, cached = 0 }))):contains "nothing was checked"
  end)

  it("does not count the files of rules among those that were looked at", function()
    expect(plain(results.broken())):contains "3 errors in 1 of 1,204 files"
  end)
end)

describe("on a terminal", function()
  it("nothing but commands, paths and what has no spaces is wider than it", function()
    for _, columns in ipairs { 40, 80, 200 } do
      for _, result in ipairs { results.few(), results.many(500), results.broken() } do
        for _, line in ipairs(lines_of(plain(result, { columns = columns }))) do
          local free = line:find "orch check" or line:find "%S/%S" or line:find "have the same"
          if tty.width(line) > columns and not free then
            error(("%d columns of %d: %s"):format(tty.width(line), columns, line))
          end
        end
      end
    end
  end)

  it("has colours only when they are asked for, and the same text with them", function()
    local colored = plain(results.few(), { color = true })
    expect(colored):contains "\27[31;1merror"
    expect((colored:gsub("\27%[[%d;]*m", ""))):equals(plain(results.few()))
    expect(plain(results.few())).never:contains "\27"
    local _ <close> = orch.with_env { NO_COLOR = "1" }
    expect(text(results.few(), { columns = 80 })).never:contains "\27"
  end)

  it("gets nothing from a name or a message that it would obey", function()
    local shown = plain(results.evil(), { all = true })
    expect(shown).never:contains "\27"
    expect(shown).never:contains "\u{202e}"
    expect(shown).never:contains "\r"
    expect(utf8.len(shown)):is_a "number"
    expect(shown):contains "Assets/a\\nb.png"
    expect(shown):contains "Assets/caf\\xE9.png"
    expect(shown):contains "Assets/tab\\there\\r.png"
    expect(shown):contains "and a second line"
  end)

  it("gets commands that a shell takes as they are", function()
    local out = orch.fs.temp_dir()
    local names = { "Assets/a\nb's.png", "Assets/caf\xe9.png", "Assets/it's $(rm).png", "-rf" }
    for _, name in ipairs(names) do
      local shown = plain(results.of { finding { path = name, fix = "resize" } })
      local command = shown:match "fix: +orch (check [^\n]*)\n"
      command = command:gsub(" +%(resize.*$", "")
      orch.fs.write(out .. "/args", "")
      orch.process.run { "bash", "-c", "printf '%s\\0' " .. command .. " > args", cwd = out }
      local last = orch.fs.read(out .. "/args"):match "([^%z]*)%z$"
      expect(last):equals(name == "-rf" and "./-rf" or name)
    end
  end)
end)

describe("in a log of GitHub's", function()
  it("no text is taken for a command", function()
    local _ <close> = orch.with_env { GITHUB_ACTIONS = "true" }
    local shown = plain(results.of { finding { message = "::set-output name=x::y" } })
    local word = shown:match "^::stop%-commands::(%S+)\n"
    expect(word):is_a "string"
    expect(shown):matches("\n::" .. word:gsub("%p", "%%%0") .. "::\n$")
    expect(plain(results.few())).never:contains "stop-commands"
  end)
end)

it("refuses an unknown option", function()
  local err = expect(function() text(results.few(), { colour = true }) end):raises "usage"
  expect(err.message):contains "did you mean `color`"
end)
