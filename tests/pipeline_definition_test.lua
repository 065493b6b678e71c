-- What a job does, as a digest: what changes it, and what must not.

local definition = require "orch.pipeline.definition"

local function job(fields)
  fields.inputs, fields.outputs = fields.inputs or {}, fields.outputs or {}
  return fields
end

local function digest_of_run(run) return definition.digest(job { run = run }) end

--- A script's text, run in a world of its own; what it returns is `run`.
local function run_of(text, globals)
  local env = setmetatable(globals or {}, { __index = _G })
  return assert(load(text, "@deploy.lua", "t", env))()
end

local function digest(text, globals) return digest_of_run(run_of(text, globals)) end

describe("a definition", function()
  it("is the command, the list of commands, the patterns, the folder, the variables", function()
    local function of(change)
      local fields = { run = "make", inputs = { "a" }, outputs = { "b" }, cwd = "c",
        env = { A = "1" } }
      for key, value in pairs(change) do fields[key] = value end
      return definition.digest(job(fields))
    end
    local seen = {}
    for i, change in ipairs {
      {}, { run = "make all" }, { run = { "make" } }, { run = { "make", "all" } },
      { run = { "make all" } }, { run = { { "make", "all" } } }, { inputs = { "a", "b" } },
      { inputs = { "a\nb" } }, { inputs = {}, outputs = { "a", "b" } }, { outputs = { "c" } },
      { cwd = "d" }, { env = { A = "2" } }, { env = { A = false } }, { env = { A = "false" } },
      { env = { A = "1", B = "" } }, { env = { A = 1 } }, { env = { "A" } },
    } do
      local one = of(change)
      expect(seen[one] or i):equals(i)
      seen[one] = i
      expect(of(change)):equals(one)
    end
  end)

  it("is not its name, place, texts, needs, pools, limits and order", function()
    local plain = definition.digest(job { run = "make" })
    expect(definition.digest(job { run = "make", name = "x", desc = "d", needs = { "y" },
      after = { "z" }, pools = { unity = 1 }, priority = 3, timeout = 5, stall = 1,
      retry = { attempts = 2 }, confirm = "sure?", when = "always", where = "a.lua:1",
      line = 1, index = 7 })):equals(plain)
  end)

  it("takes a named variable with the value it has for the task", function()
    local of = job { run = "make", env = { "ORCH_TEST_CC" } }
    local unset = definition.digest(of)
    local _ <close> = orch.with_env { ORCH_TEST_CC = "gcc" }
    local gcc = definition.digest(of)
    expect(gcc).never:equals(unset)
    local _ <close> = orch.with_env { ORCH_TEST_CC = "clang" }
    expect(definition.digest(of)).never:equals(gcc)
  end)
end)

describe("a definition by a function", function()
  it("does not see comments and lines, but constants", function()
    local plain = digest "return function() return 'v1' end"
    expect(digest "\n\n-- the version\nreturn function()\n -- it\n return 'v1' end"):equals(plain)
    expect(digest "return function() return 'v2' end").never:equals(plain)
  end)

  it("sees captured values, whatever they are called", function()
    local plain = digest "local v = '1.0' return function() return v end"
    expect(digest "local version = '1.0' return function() return version end"):equals(plain)
    expect(digest "local v = '1.1' return function() return v end").never:equals(plain)
    expect(digest "local v = 1.0 return function() return v end").never:equals(
      digest "local v = 1 return function() return v end")
    expect(digest "local v return function() return v end").never:equals(plain)
  end)

  it("sees captured functions and what these capture", function()
    local function of(n, op)
      return digest(("local n = %d local function f(x) return x %s n end "
        .. "return function() return f(1) end"):format(n, op))
    end
    local plain = of(1, "+")
    expect(of(1, "+")):equals(plain)
    expect(of(2, "+")).never:equals(plain)
    expect(of(1, "-")).never:equals(plain)
  end)

  it("sees tables by value, in any order of keys", function()
    local plain = digest "local t = { a = 1, b = { 2, 3 }, [5] = 'x' } return function() return t end"
    expect(digest "local t = {} t[5] = 'x' t.b = { 2, 3 } t.a = 1 return function() return t end")
      :equals(plain)
    for _, other in ipairs { "{ a = 1, b = { 2, 4 }, [5] = 'x' }", "{ a = 1, b = { 3, 2 }, [5] = 'x' }",
      "{ a = 1, b = { 2, 3 }, [6] = 'x' }", "{ a = 1, b = { 2, 3 }, ['5'] = 'x' }",
      "{ a = 1, b = { 2, 3 } }", "setmetatable({ a = 1, b = { 2, 3 }, [5] = 'x' }, {})" } do
      expect(digest("local t = " .. other .. " return function() return t end")).never:equals(plain)
    end
  end)

  it("sees the functions of a class", function()
    local function of(body)
      return digest("local C = {} C.__index = C function C:go() " .. body .. " end "
        .. "local c = setmetatable({ x = 1 }, C) return function() return c:go() end")
    end
    expect(of "return 1"):equals(of "return 1")
    expect(of "return 2").never:equals(of "return 1")
  end)

  it("takes globals of the script that it names, and those they name", function()
    local text = "function build(x) return flags .. x end return function() build('a') end"
    local plain = digest(text, { flags = "-O2" })
    expect(digest(text, { flags = "-O2" })):equals(plain)
    expect(digest(text, { flags = "-O3" })).never:equals(plain)
    expect(digest(text:gsub("flags .. x", "x .. flags"), { flags = "-O2" })).never:equals(plain)
    expect(digest(text, { flags = "-O2", other = 1 })):equals(plain)
  end)

  it("knows what belongs to Lua and orch by name", function()
    local function of(what) return digest("local f = " .. what .. " return function() return f end") end
    local seen = {}
    for _, what in ipairs { "print", "string.format", "string.rep", "io", "orch", "orch.fs",
      "orch.fs.read", "orch.sleep", "require 'orch.json'", "io.stdout", "orch.lock()",
      "orch.event()", "coroutine.create(print)" } do
      local one = of(what)
      expect(seen[one] or what):equals(what)
      seen[one] = what
      expect(of(what)):equals(one)
    end
    -- Their state is not the job's.
    local used = "local l = orch.queue() l:put(%d) return function() return l end"
    expect(digest(used:format(1))):equals(digest(used:format(2)))
  end)

  it("takes what orch has given to the script by value", function()
    local function of(what, ...)
      local v = what
      return digest_of_run(function() return v end)
    end
    local arg, json = require "orch.arg", orch.json
    local function params(channel) return arg.public("the table of params", { channel = channel }) end
    expect(of(params "beta")):equals(of(params "beta"))
    expect(of(params "beta")).never:equals(of(params "internal"))
    local function result(text) return orch.process.run { "echo", text }.stdout end
    expect(of(result "a")).never:equals(of(result "b"))
    local known = arg.known("the result", { "rev" })
    expect(of(setmetatable({ rev = 1 }, known))):equals(of(setmetatable({ rev = 1 }, known)))
    expect(of(setmetatable({ rev = 1 }, known))).never
      :equals(of(setmetatable({ rev = 2 }, known)))
    expect(of(json.array { 1 })):equals(of(json.array { 1 }))
    expect(of(json.array { 1 })).never:equals(of(json.array { 2 }))
    expect(of(json.decode '{"a": [1, null]}')).never:equals(of(json.decode '{"a": [1]}'))
    local function client(url) return orch.http.client { base_url = url } end
    local one = of(client "http://a.test")

    expect(of(client "http://a.test")):equals(one)
    expect(of(client "http://b.test")).never:equals(one)
    local function model(name) return orch.ai.openai { model = name, key = "k-1234" } end
    expect(of(model "m1")):equals(of(model "m1"))
    expect(of(model "m1")).never:equals(of(model "m2"))
  end)

  it("reads what the library was given to make a function", function()
    local function of(n)
      return digest(("return orch.once(function() return %d end)"):format(n))
    end
    expect(of(1)):equals(of(1))
    expect(of(2)).never:equals(of(1))
  end)

  it("knows a function of the library by name", function()
    expect(digest_of_run(print)).never:equals(digest_of_run(os.exit))
    expect(digest_of_run(print)):equals(digest_of_run(print))
  end)

  it("takes arguments of the script by value", function()
    local args = { "release" }
    local function run() return args end
    local before = digest_of_run(run)
    args[1] = "debug"
    expect(digest_of_run(run)).never:equals(before)
  end)
end)

describe("modules of the script", function()
  local dir, path
  before_each(function()
    dir, path = test.temp_dir(), package.path
    package.path = dir .. "/?.lua"
  end)
  after_each(function()
    package.path = path
    package.loaded.orch_test_tools, package.loaded.orch_test_more = nil, nil
  end)

  local function tools(text, name)
    orch.fs.write(("%s/%s.lua"):format(dir, name or "orch_test_tools"), text)
    package.loaded[name or "orch_test_tools"] = nil
  end

  it("count by value once they are loaded", function()
    local text = "local t = require 'orch_test_tools' return function() return t.go() end"
    tools "return { go = function() return 1 end }"
    local one = digest(text)
    tools "-- better\nreturn { go = function() return 1 end }"
    expect(digest(text)):equals(one)
    tools "return { go = function() return 2 end }"
    expect(digest(text)).never:equals(one)
  end)

  it("count by their code where the job itself requires them", function()
    local text = "return function() return require('orch_test_tools').go() end"
    tools "local m = require 'orch_test_more' return { go = function() return m end }"
    tools("return 1", "orch_test_more")
    local one = digest(text)
    expect(digest(text)):equals(one)
    tools("return 2", "orch_test_more")
    local two = digest(text)
    expect(two).never:equals(one)
    tools "error 'not run while planning'"
    expect(digest(text)).never:equals(two)
    tools "this is no Lua"
    expect(#digest(text)):equals(16)
  end)
end)

describe("circles", function()
  local pair = "local a, b function a(n) return b(n) end function b(n) return %s end return %s"

  it("end, and are seen through", function()
    local one = digest(pair:format("a(n - 1)", "a"))
    expect(digest(pair:format("a(n - 1)", "a"))):equals(one)
    expect(digest(pair:format("a(n - 2)", "a"))).never:equals(one)
    expect(digest(pair:format("a(n - 1)", "b"))).never:equals(one)
    local t = "local t = { x = %d } t.t = t t[t] = t return function() return t end"
    expect(digest(t:format(1))):equals(digest(t:format(1)))
    expect(digest(t:format(1))).never:equals(digest(t:format(2)))
  end)

  it("are the same from wherever a planning comes in", function()
    local text = "local a, b function a(n) return b(n) end function b(n) return a(n - 1) end "
      .. "return { a, b }"
    local first, second = run_of(text), run_of(text)
    local memo, other = definition.memo(), definition.memo()
    local a1 = definition.digest(job { run = first[1] }, memo)
    local b1 = definition.digest(job { run = first[2] }, memo)
    local b2 = definition.digest(job { run = second[2] }, other)
    local a2 = definition.digest(job { run = second[1] }, other)
    expect(a1):equals(a2)
    expect(b1):equals(b2)
    expect(a1).never:equals(b1)
  end)

  it("of many functions take no time that grows with their paths", function()
    local all = {}
    for i = 1, 60 do
      all[i] = function() for n = 1, 60 do all[n]() end end
    end
    expect(#digest_of_run(all[1])):equals(16)
  end)

  it("are not endless chains, which are refused", function()
    local list
    for _ = 1, 9000 do list = { list } end
    expect(#digest_of_run(function() return list end)):equals(16)
    for _ = 1, 5000 do list = { list } end
    local err = expect(function() digest_of_run(function() return list end) end):raises("usage")
    expect(err.message):contains("nested more than 10000 levels deep")
  end)
end)

describe("the parts of a definition", function()
  local function parts(text, globals)
    return definition.parts(job { run = run_of(text, globals) })
  end

  it("say what has changed", function()
    local text = [[
      local version = %q
      local function helper(x) return x .. version end
      return function() print(%d) return helper(target) end]]
    local before = parts(text:format("1.0", 1), { target = "ios" })
    expect(definition.compare(before, parts(text:format("1.0", 1), { target = "ios" }))):equals {}
    expect(definition.compare(before, parts(text:format("1.1", 1), { target = "ios" })))
      :equals { "`helper.version` changed from 1.0 to 1.1" }
    expect(definition.compare(before, parts(text:format("1.0", 2), { target = "ios" })))
      :equals { "its code changed" }
    expect(definition.compare(before, parts(text:format("1.0", 1), { target = "tv" })))
      :equals { "global `target` changed from ios to tv" }
    expect(definition.compare(before, parts(text:format("1.0", 1):gsub("x .. version", "version"),
      { target = "ios" }))):equals { "`helper` changed" }
  end)

  it("name the field of a table of settings", function()
    local text = "local p = { channel = %q, deep = { n = 1, list = { %d } } } p.p = p "
      .. "return function() return p end"
    local before = parts(text:format("internal", 1))
    expect(before["upvalue `p.deep.n`"]):equals("1")
    expect(definition.compare(before, parts(text:format("internal", 1)))):equals {}
    expect(definition.compare(before, parts(text:format("beta", 2)))):equals {
      "`p.channel` changed from internal to beta", "`p.deep.list` changed",
    }
  end)

  it("say it of commands, variables and paths", function()
    local before = definition.parts(job { run = "make", env = { CC = "gcc" }, outputs = { "a" } })
    local after = definition.parts(job { run = "make -k", env = { CC = "clang" }, cwd = "src",
      outputs = { "a" } })
    expect(definition.compare(before, after)):equals {
      "its command changed from make to make -k", "variable `CC` changed from gcc to clang",
      "its cwd is new",
    }
    local neither = definition.parts(job { run = "make" })
    expect(definition.compare(neither, before)):contains "its outputs are new"
    expect(definition.compare(before, neither)):contains "its outputs are gone"
    expect(definition.parts(job { run = { "a", { "b", "c d" } } }).command):equals("a; b c d")
  end)

  it("show 200 bytes of a value, whole characters, and no secret", function()
    orch.secrets.mask "hunter2hunter2"
    local shown = parts "local v = 'key=hunter2hunter2' return function() return v end"
    expect(shown["upvalue `v`"]):equals("key=***")
    expect(digest "local v = 'key=hunter2hunter3' return function() return v end").never
      :equals(digest "local v = 'key=hunter2hunter2' return function() return v end")
    local long = definition.parts(job { run = "x" .. ("ä"):rep(300) }).command
    expect(long):equals("x" .. ("ä"):rep(99) .. "...")
    expect(definition.parts(job { run = ("\xff"):rep(300) }).command)
      :equals(("?"):rep(200) .. "...")
  end)

  it("are text only, and few", function()
    local globals = {}
    for i = 1, 500 do globals["g" .. i] = i end
    local names = {}
    for i = 1, 500 do names[i] = "g" .. i end
    local shown = parts("return function() return { " .. table.concat(names, ",") .. " } end", globals)
    local count = 0
    for name, text in pairs(shown) do
      count = count + 1
      expect(type(name) .. type(text)):equals("stringstring")
    end
    expect(count > 50 and count <= 101):truthy()
  end)
end)
