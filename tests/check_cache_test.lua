-- What `orch check` remembers is what a check of everything would find, whatever has happened
-- to files and rules in between, and whatever was asked for.

local fs, json = orch.fs, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local projects = dofile(here .. "/helper/check_project.lua")

local function found(p, ...)
  local list = {}
  for i, one in ipairs(json.decode(p:check("--json", ...).stdout).findings) do
    list[i] = ("%s:%s %s %s %s"):format(one.path, one.line or "", one.severity, one.rule,
      one.message)
  end
  return table.concat(list, "\n")
end

--- Files are old: their times vouch for them.
local function age(p)
  orch.sh("find . -path ./.orch -prune -o -exec touch -d '1 hour ago' {} +", nil,
    { cwd = p.folder })
end

describe("any edits, in any order", function()
  local RULES = [[
local helper = require "lib.helper"
orch.asset.register { format = "abc", kind = "abc", extensions = { "abc" },
  read = function(s) return { n = #s:all() * READ } end }
local function says(id, files, of)
  check(id) { files = files, run = function(f, c) f:info { "%s", tostring(of(f, c)) } end }
end
check "x" { files = "GLOB", severity = "SEVERITY", run = function(f)
  if orch.fs.read(f.path):find "x" then f:problem "MESSAGE" end
end }
check "long" { files = "**/*.txt", config = { { "A/**", max = BELOW }, { "**", max = 3 } },
  run = function(f, c) if f.size > c.max then f:error { "%d", f.size } end end }
says("exists", "**/*.txt", function(f) return orch.fs.exists(f.path .. ".meta") end)
says("content", { "**/*.txt", "!B/**" }, function(f)
  local h <close> = io.open(f.path .. ".meta")
  return h and h:read "a"
end)
says("list", "**/*.abc", function(f) return table.concat(orch.fs.list(f.folder), ",") end)
says("glob.below", "**/*.abc", function() return table.concat(orch.fs.glob "B/**/*.txt", ",") end)
says("glob.here", "**/*.abc", function() return table.concat(orch.fs.glob "*.txt", ",") end)
says("folder", "**/*.abc", function() return orch.fs.exists "C" end)
says("helper", "**/*.txt", function(f) return helper(f.size) end)
says("reader", "**/*.abc", function(f) return orch.asset.info(f.path).n end)
says("module", "**/*.abc", function() return require "lib.lazy" end)
check "count" { scope = "project", files = "**/*.txt", run = function(files)
  for f in files:each() do if #files > 2 then f:info { "one of %d", #files } end end
end }
check.ignore "IGNORED"
]]
  local folders = { "", "A/", "B/", "B/s/", "C/", "Old/" }
  local endings = { ".txt", ".txt", ".txt.meta", ".abc", ".TXT" }
  local choices = { READ = { "1", "2" }, GLOB = { "**/*.txt", "A/*.txt" }, BELOW = { "1", "4" },
    SEVERITY = { "warning", "info" }, MESSAGE = { "has x", "an x" },
    IGNORED = { "Old/**", "B/**" } }
  local questions = { {}, {}, {}, { "--rule", "x" }, { "--rule", "glob*" }, { "*.txt" },
    { "--rule", "count" }, { "--rule", "exists", "--rule", "long", "*.abc" }, { "**/*.abc" } }

  local function one_of(list) return list[math.random(#list)] end

  local function some_path()
    return one_of(folders) .. one_of { "a", "b", "c" } .. one_of(endings)
  end

  local p, values

  local function put_rules()
    p:put("checks/a.lua", (RULES:gsub("%u%u%u+", values)))
  end

  local function files()
    return fs.glob({ "**", "!checks/**", "!.orch/**" }, { cwd = p.folder, type = "file" })
  end

  local edits = {
    function() p:put(some_path(), one_of { "", "x", "abx", "abcd", "ab" }) end,
    function() p:put(some_path(), one_of { "", "x", "abx", "abcd", "ab" }) end,
    function()
      local path = one_of(files())
      if path then fs.remove(p:at(path)) end
    end,
    function()
      local path, to = one_of(files()), p:at(some_path())
      if not path then return end
      fs.mkdir(fs.path.dirname(to))
      fs.move(p:at(path), to)
    end,
    function()
      fs.remove(p:at(one_of { "A", "B", "C", "B/s" }), { recursive = true, missing_ok = true })
    end,
    function() fs.mkdir(p:at(one_of { "A", "C", "B/s", "D" })) end,
    function()
      local name = one_of { "READ", "GLOB", "BELOW", "SEVERITY", "MESSAGE", "IGNORED" }
      values[name] = one_of(choices[name])
      put_rules()
    end,
    function() p:put("checks/lib/lazy.lua", "return " .. math.random(9)) end,
    function()
      p:put("checks/lib/helper.lua", ("return function(n) return n > %d end"):format(
        math.random(4)))
    end,
    function() age(p) end,
  }

  it("give what a check without a memory gives", function()
    p, values = projects.new(test, ""), {}
    fs.remove(p:at "checks/text.lua")
    for name, list in pairs(choices) do values[name] = list[1] end
    put_rules()
    p:put("checks/lib/helper.lua", "return function(n) return n > 2 end")
    p:put("checks/lib/lazy.lua", "return 0")
    p:put("c.txt", "x")
    for _ = 1, 16 do
      for _ = 1, math.random(3) do one_of(edits)() end
      local question = one_of(questions)
      p:put("c.abc", "abc")
      p:put("c.txt", "x")
      expect(found(p, table.unpack(question))):equals(
        found(p, "--no-cache", table.unpack(question)))
    end
  end)
end)

describe("what a rule says once more", function()
  local p

  --- The findings; then what is found after `change`, as remembered and anew.
  local function again(text, change, ...)
    p = projects.new(test, text)
    p:put("a.txt", "a")
    p:put("other", "one")
    p:put("data/x", "x")
    age(p)
    local before = found(p, "*.txt", ...)
    change()
    local after = found(p, "*.txt", ...)
    expect(after):equals(found(p, "--no-cache", "*.txt", ...))
    return before, after
  end

  local function says(expression)
    return ('check "says" { files = "*.txt", run = function(f)\n  f:info { "%%s", %s }\nend }\n')
      :format(expression)
  end

  local function change_other() p:put("other", "three") end

  it("depends on the folders that it lists, and on those in them", function()
    local function make() fs.mkdir(p:at "data/new") end
    local _, after = again(says 'table.concat(orch.fs.list "data", ",")', make)
    expect(after):contains "new,x"
    _, after = again(says 'tostring(orch.fs.exists "data/new")', make)
    expect(after):contains "true"
    _, after = again(says '#orch.fs.glob "data/**"', make)
    expect(after):contains "2"
    _, after = again(says 'table.concat(orch.fs.list(), ",")', function() p:put("zz", "") end)
    expect(after):contains "zz"
    _, after = again(says '#orch.fs.glob "*"', function() p:put("zz", "") end)
    expect(after):matches "says 6$"
  end)

  it("depends on what a program looks at, so it is asked again, if nobody says otherwise", function()
    local _, after = again(says 'orch.process.run { "cat", "other" }.stdout', change_other)
    expect(after):contains "three"
    local rule = says 'orch.process.run { "cat", "other" }.stdout'
    for _, text in ipairs { (rule:gsub("files =", "cache = true, files =")),
      rule .. 'check.configure("says", { cache = true })' } do
      p = projects.new(test, text)
      p:put("a.txt", "a")
      p:put("other", "one")
      age(p)
      expect(found(p, "a.txt")):contains "one"
      change_other()
      expect(found(p, "a.txt")):contains "one"
    end
  end)

  it("is not remembered of a rule that keeps something from file to file", function()
    local rule = [[
      local text
      check "says" { files = "*.txt", run = function(f)
        text = text or orch.fs.read "other"
        f:info { "%s", text }
      end }]]
    p = projects.new(test, rule)
    for i = 1, 30 do p:put(i .. ".txt", "a") end
    p:put("other", "one")
    age(p)
    found(p)
    change_other()
    local _, old = found(p):gsub("says one", "")
    expect(old):equals(0)
  end)

  it("depends on the names of its fixes", function()
    local rule = says "f.name":gsub("f.name }", 'f.name, fix = "mend" }')
      :gsub("files =", "fixes = { mend = { run = print } }, files =")
    local _, after = again(rule, function()
      p:put("checks/text.lua", (rule:gsub("{ mend =", "{ mind =")))
    end)
    expect(after):contains "has no fix 'mend'; did you mean 'mind'?"
  end)

  it("is not remembered where somebody changes a file while it is looked at", function()
    -- Programs that the rule starts play the somebody: rules themselves do not write.
    local rule = [[
      check "says" { files = "*.txt", run = function(f)
        local text = orch.fs.read "other"
        if text == "one" then
          orch.sh "rm gone; printf two >other; printf b >a.txt; touch -d '2 hours ago' other"
        end
        f:info { "%s %s %s", text, orch.fs.exists "gone", orch.fs.read(f.path) }
      end }]]
    p = projects.new(test, (rule:gsub("files =", "cache = true, files =")))
    p:put("a.txt", "a")
    p:put("other", "one")
    p:put("gone", "")
    age(p)
    expect(found(p, "*.txt")):contains "says one false b"
    p:put("a.txt", "a")
    expect(found(p, "*.txt")):contains "says two false a"
  end)
end)
