-- YAML: what texts mean, what is refused and where, and the way back; held against PyYAML.

local fs, json = orch.fs, orch.json
local yaml = orch.yaml

local function decode(text, opts)
  local value = yaml.decode(text, opts)
  return value
end

describe("yaml.decode", function()
  it("knows the scalars of YAML 1.2, and no others", function()
    for text, value in pairs {
      ["no"] = "no", ["yes"] = "yes", ["on"] = "on", ["NO"] = "NO", ["n"] = "n",
      ["true"] = true, ["True"] = true, ["FALSE"] = false, ["tRUE"] = "tRUE",
      ["7"] = 7, ["-7"] = -7, ["+7"] = 7, ["007"] = 7, ["0o17"] = 15, ["0x1F"] = 31,
      ["0b1"] = "0b1", ["1_000"] = "1_000", ["1:30"] = "1:30", ["2001-01-01"] = "2001-01-01",
      ["1.5"] = 1.5, [".5"] = 0.5, ["5."] = 5.0, ["1e3"] = 1000.0, ["-1.5E-3"] = -0.0015,
      ["1e"] = "1e", ["."] = ".", ["+"] = "+", ["0x"] = "0x", ["0o8"] = "0o8", ["--1"] = "--1",
      [".inf"] = math.huge, ["-.INF"] = -math.huge, [".Inf"] = math.huge, ["inf"] = "inf",
      ["9223372036854775807"] = math.maxinteger, ["-9223372036854775808"] = math.mininteger,
      ["9223372036854775808"] = "9223372036854775808",
      ["0xFFFFFFFFFFFFFFFF"] = "0xFFFFFFFFFFFFFFFF",
      ["1e999"] = "1e999", ["1.2.3"] = "1.2.3", ["'7'"] = "7", ['"7"'] = "7", ["! 7"] = "7",
      ["!!str 7"] = "7", ["!!int '7'"] = 7, ["!!float 7"] = 7.0, ["!x 7"] = 7,
      ["|\n a\n b\n"] = "a\nb\n", [">\n a\n b\n"] = "a b\n", ['"\\u00e9\\x41"'] = "\u{e9}A",
    } do
      local found = decode(text)
      if found ~= value or math.type(found) ~= math.type(value) then
        error(("%q is %s %s"):format(text, math.type(found) or type(found), tostring(found)))
      end
    end
    for _, text in ipairs { "", "~", "null", "NULL", "Null", "---", "# only a remark" } do
      expect(decode(text)):is(yaml.null)
    end
    local nan = decode ".nan"
    expect(nan ~= nan):truthy()
    expect(yaml.null):is(json.null)
  end)

  it("builds lists and mappings", function()
    expect(decode "a: [1, {b: c}]\nd:\n- x\n- y: 1\n  z: 2\n404: e\n")
      :equals { a = { 1, { b = "c" } }, d = { "x", { y = 1, z = 2 } }, [404] = "e" }
    expect(json.encode(decode "a: []\nb: {}\nc:\n", { sorted = true }))
      :equals '{"a":[],"b":{},"c":null}'
    expect(decode "\u{feff}a: 1"):equals { a = 1 }
    expect(decode "\255\254a\0:\0 \0001\0"):equals { a = 1 }
  end)

  it("an alias is the same table; << merges, and replaces nothing", function()
    local v = decode("a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, p: 9}\n"
      .. "d: {p: 8, <<: [{p: 0, r: 3}, *x]}")
    expect(v.b):is(v.a)
    expect(v.c):equals { p = 9, q = 2 }
    expect(v.d):equals { p = 8, q = 2, r = 3 }
    expect(decode "- &n 7\n- *n"):equals { 7, 7 }
    expect(decode "'<<': 1"):equals { ["<<"] = 1 }
  end)

  it("takes options", function()
    expect(decode("a: 7\nb: 007\nc: [1]", { strings = { "b" } }))
      :equals { a = 7, b = "007", c = { 1 } }
    expect(decode("a: 7\nc: [1, no]", { strings = true })):equals { a = "7", c = { "1", "no" } }
    expect(decode("a: 1\na: 2", { duplicates = "last" })):equals { a = 2 }
    local seen = decode("a: !Ref x\nb: !Sub [1, 2]\nc: !!str 1\nd: !nothing 1", {
      tags = function(tag, value)
        if tag ~= "!nothing" then return { tag, value } end
      end,
    })
    expect(seen):equals { a = { "!Ref", "x" }, b = { "!Sub", { 1, 2 } }, c = "1", d = yaml.null }
    local function fail() error "mine" end
    expect(function() decode("a: !x 1", { tags = fail }) end):raises "mine"
    expect(function() decode("a", { tag = print }) end):raises "did you mean `tags`"
    expect(function() decode("a", { duplicates = "first" }) end):raises "error or last"
    expect(function() decode(nil) end):raises "usage"
  end)

  it("refuses what is not YAML, at its line and column", function()
    for _, case in ipairs {
      { "a: b: c", 1, 5, "quote a text that contains ': '" },
      { "a:\n\t- b", 2, 1, "a tab cannot indent" },
      { "\u{e9}\u{e9}: 1\na:\n\t- b", 3, 1, "a tab cannot indent" },
      { "\u{feff}a: b: c", 1, 5, "quote" },
      { "a: @x", 1, 4, "put it in quotes" },
      { "- a\nb: 1", 2, 1, "look at the indentation" },
      { "[1, 2", 1, 6, "expected ',' or ']'" }, { "{a: [1}", 1, 7, "expected ',' or ']'" },
      { "a: 'x", 1, 6, "ends within quotes" },
      { "a: 1\na: 2", 2, 1, "the name 'a' stands twice" },
      { "a: *b", 1, 4, "no anchor &b" }, { "a: &b [*b]", 1, 8, "part of its own anchor" },
      { "a: !!int x", 1, 4, "is no !!int" }, { "a: !e!x 1", 1, 4, "no %%TAG line" },
      { "? [a]\n: b", 1, 3, "cannot be a name" }, { ".nan: 1", 1, 1, "NaN cannot be a name" },
      { "<<: 1", 1, 1, "takes a mapping" }, { "<<: [1]", 1, 1, "takes a mapping" },
      { "<<: [[]]", 1, 1, "takes a mapping" },
      { "--- 1\n--- 2", 2, 1, "yaml.decode_all" },
      { "a: \255", 1, 4, "is it UTF-8?" }, { "\n\u{e9}: \1", 2, 4, "is it UTF-8?" },
      { "%YAML 3.0\n--- 1", 1, 1, "incompatible" },
    } do
      local ok, err = pcall(decode, case[1])
      if ok then error(("%q was accepted"):format(case[1])) end
      if err.kind ~= "yaml" then error(err, 0) end
      expect(("%q %d:%d"):format(case[1], err.line, err.column))
        :equals(("%q %d:%d"):format(case[1], case[2], case[3]))
      expect(err.message):contains((case[4]:gsub("%%%%", "%%")))
      expect(err.message):matches "^line %d+, column %d+: "
    end
  end)

  it("refuses what would grow without end", function()
    local lines = { "a0: &a0 [x, x, x, x, x, x, x, x, x, x]" }
    for i = 1, 12 do
      lines[i + 1] = ("a%d: &a%d [%s]"):format(i, i, ("*a%d, "):format(i - 1):rep(10))
    end
    local err = expect(function() decode(table.concat(lines, "\n")) end):raises "yaml"
    expect(err.message):contains "more than 1000000 values"
    expect(#decode(("x: &x [1, 2]\ny: ["):format() .. ("*x, "):rep(1000) .. "]").y):equals(1000)
    for _, open in ipairs { "[", "{a: ", "- ", "? " } do
      err = expect(function() decode(open:rep(3000)) end):raises "yaml"
    end
    local deep = decode(("["):rep(1000) .. ("]"):rep(1000))
    expect(#deep):equals(1)
    expect(function() decode(("["):rep(1001) .. ("]"):rep(1001)) end):raises "1000 levels"
  end)
end)

describe("yaml.decode_all", function()
  it("gives each document", function()
    expect(yaml.decode_all ""):equals {}
    expect(yaml.decode_all "--- 1\n---\na: 2\n...\n---\n"):equals { 1, { a = 2 }, yaml.null }
    expect(yaml.decode_all("--- !t &a {x: 1}\n--- 2", { documents = true })):equals {
      { tag = "!t", anchor = "a", line = 1, value = { x = 1 } }, { line = 2, value = 2 },
    }
    expect(function() yaml.decode_all "--- &a 1\n--- *a" end):raises "no anchor &a"
  end)

  it("reads Unity's files", function()
    local text = "%YAML 1.1\n%TAG !u! tag:unity3d.com,2011:\n"
      .. "--- !u!1 &12\nGameObject:\n  m_Name: on\n"
      .. "--- !u!4 &-34 stripped\nTransform:\n  t: {fileID: 1, guid: "
      .. ("1"):rep(32) .. ", type: 3}\n  a: 1\n  a: 2\n"
    local list = yaml.decode_all(text, { documents = true })
    expect(#list):equals(2)
    expect({ list[1].tag, list[1].anchor, list[1].stripped, list[1].line })
      :equals { "!u!1", "12", false, 3 }
    expect({ list[2].tag, list[2].anchor, list[2].stripped })
      :equals { "!u!4", "-34", true }
    expect(list[2].value.Transform.t):equals { fileID = 1, guid = ("1"):rep(32), type = 3 }
    expect(list[2].value.Transform.a):equals(2)
    expect(yaml.decode_all((text:gsub("\n", "\r\n")))):equals(yaml.decode_all(text))
    local err = expect(function() yaml.decode_all(text .. "  b: c: d\n") end):raises "yaml"
    expect({ err.line, err.column }):equals { 11, 7 }
  end)
end)

describe("yaml.encode", function()
  it("writes blocks, names sorted, quotes where they are needed", function()
    expect(yaml.encode { b = "no", a = { 1, { x = true } }, c = json.array {}, d = {},
      e = yaml.null, f = "x\ny\n", g = "a: b", h = 1e300, i = "1:30", [7] = "x", j = "" })
      :equals [[
7: x
a:
- 1
- x: true
b: 'no'
c: []
d: {}
e: null
f: |
  x
  y
g: 'a: b'
h: 1.0e+300
i: '1:30'
j: ''
]]
    expect(yaml.encode({ a = { b = { 1 } } }, { indent = 4 })):equals "a:\n    b:\n    - 1\n"
    expect(yaml.encode_all { 1, { a = 2 } }):equals "---\n1\n---\na: 2\n"
  end)

  it("refuses what YAML cannot say here, with its place", function()
    local loop = {}
    loop.a = loop
    for words, value in pairs {
      ["a function at .a[2].b"] = { a = { 1, { b = print } } }, ["a userdata"] = io.stdout,
      ["contains itself"] = loop, ["not UTF-8 at .a"] = { a = "\255" },
      ["both list items and names"] = { 1, a = 2 }, ["no text, number or boolean"] = { [{}] = 1 },
      ["nil: write yaml.null"] = nil,
    } do
      local err = expect(function() yaml.encode(value) end):raises "yaml"
      expect(err.message):contains("cannot encode ")
      expect(err.message):contains(words)
    end
    expect(function() yaml.encode(nil) end):raises "write yaml.null"
    expect(function() yaml.encode(1, { indent = 1 }) end):raises "2 to 9"
  end)
end)

-- Values at random, with the texts that are hard.
local hard = { "", " ", "a ", " a", "\n", "\n\n", "a\n", "a\n\n", "\na", " \n", "a\n b", "a \nb",
  "-",
  "- a", "?", ":", "a:", ": a", "a #b", "#", "&a", "*a", "!a", "|", ">", "%", "@", "`", "'", '"',
  "it's", "{", "[", ",", "---", "...", "--- a", "null", "~", "no", "y", "1", "1.0", "0x1", ".5",
  "1e3", "<<", "=", "\t", "a\tb", "a\tb\n", "\r", "a\r\nb", "\u{85}", "\u{2028}", "\u{feff}", "\0",
  "\127", "\u{1F600}", "\\", "\\n", "2001-01-01", "0b1", "1_0", "+.inf", ".nan", "a\n\n\nb\n",
  "  a\n  b\n", "a: b\nc: d\n", ("x"):rep(200), ("x y "):rep(50), "\u{a0}", "\27" }

local function random_text()
  if math.random() < 0.7 then return hard[math.random(#hard)] end
  local parts = {}
  for i = 1, math.random(0, 4) do parts[i] = hard[math.random(#hard)] end
  return table.concat(parts)
end

local function random_value(depth)
  local kind = math.random(depth > 4 and 5 or 8)
  if kind == 1 then return math.random(0) >> math.random(0, 63) end
  if kind == 2 then return (math.random() - 0.5) * 10.0 ^ math.random(-300, 300) end
  if kind == 3 then return math.random() < 0.5 end
  if kind == 4 then return yaml.null end
  if kind == 5 then return random_text() end
  local value = kind == 6 and json.array {} or {}
  for i = 1, math.random(kind == 6 and 0 or 1, 4) do
    value[kind == 6 and i or random_text()] = random_value(depth + 1)
  end
  return value
end

describe("a round trip", function()
  it("keeps any text", function()
    for _, text in ipairs(hard) do
      for _, value in ipairs { text, { text }, { [text] = 1 }, { a = { b = text } }, { { text } },
        { a = text, b = text } } do
        expect(yaml.decode(yaml.encode(value))):equals(value)
      end
    end
  end)

  it("keeps any value", function()
    for _ = 1, 1000 do
      local value = random_value(0)
      local text = yaml.encode(value, { indent = math.random(2, 9) })
      expect(yaml.decode(text)):equals(value)
      expect(yaml.encode(yaml.decode(text))):equals(yaml.encode(value))
    end
  end)

  it("keeps a mapping whose names are numbers or booleans", function()
    for _, text in ipairs { "1: a\n", "1: a\n2: b\n", "0: a\n", "true: a\n1.5: b\nx: c\n",
      "- 1: a\n" } do
      expect(yaml.encode(yaml.decode(text))):equals(text)
    end
  end)
end)

describe("PyYAML", function()
  local python = "/usr/bin/python3"
  local script = [[
import sys, json, yaml
class Loader(yaml.SafeLoader): pass
Loader.yaml_implicit_resolvers = {}
class Core(yaml.SafeLoader): pass
text = sys.stdin.read()
mode = sys.argv[1]
def read(text):
  try: return {"value": yaml.load(text, Loader if mode == "text" else Core)}
  except yaml.YAMLError as e: return {"error": True}
  except (ValueError, TypeError, RecursionError) as e: return {"error": True}
print(json.dumps([read(t) for t in json.loads(text)]))
]]
  local function ask(mode, texts)
    if not fs.exists(python) then test.skip "python3 is not there" end
    local result = orch.process.run({ python, "-c", script, mode, stdin = json.encode(texts),
      env = { PYTHONIOENCODING = "utf-8" }, check = false })
    if result.stderr:find "No module named" then test.skip "python3-yaml is not there" end
    expect(result.exit_code):equals(0)
    return json.decode(result.stdout)
  end

  it("reads what orch writes as the same", function()
    local texts, values = {}, {}
    local function plain(value) -- infinities apart, JSON can say all of it
      return pcall(json.encode, value)
    end
    for i = 1, 400 do
      repeat values[i] = random_value(1) until plain(values[i])
      texts[i] = yaml.encode(values[i])
    end
    for i, answer in ipairs(ask("values", texts)) do
      if answer.error then error(("PyYAML refuses %q"):format(texts[i])) end
      -- A U+FEFF is text to us, and nothing to it.
      if not texts[i]:find "\u{feff}" then
        expect(json.encode(answer.value, { sorted = true }))
          :equals(json.encode(values[i], { sorted = true }))
      end
    end
  end)

  it("agrees about the structure of documents", function()
    local texts = { "a: b\nc:\n- 1\n- x: y\n  z: [p, {q: r}]\n", "- - - a\n  - b\n- c\n",
      "a: |\n  x\n   y\n\n  z\nb: >-\n  p\n  q\n\n  r\n", "'a b': \"c\\td\"\n? x\n: y\n",
      "a: &x [1]\nb: *x\n", "a: 'it''s'\n", "a:\n  b:\n    c: d\n  e: f\n", "[a, b, c: d]", "a",
      "a: b # c\n# d\ne: f", "k: multi\n  line\n  plain\n", "{a: , b: }", "- \n- a\n" }
    for _, path in ipairs(fs.glob(debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
      .. "/data/builds/**/*.meta")) do
      texts[#texts + 1] = fs.read(path)
    end
    local agreed = 0
    for i, answer in ipairs(ask("text", texts)) do
      local mine = yaml.decode(texts[i], { strings = true })
      local function blank(value) -- an empty value is null to us, and text to it
        if value == yaml.null then return "" end
        if type(value) ~= "table" then return value end
        local copy = {}
        for key, inner in pairs(value) do copy[key] = blank(inner) end
        return copy
      end
      expect(blank(mine)):equals(blank(answer.value))
      agreed = agreed + 1
    end
    print(("YAML: %d documents mean the same to PyYAML"):format(agreed))
    expect(agreed):greater_than(30)
  end)
end)

describe("damage", function()
  it("gives a value or an Error, whatever the bytes", function()
    local source = "a: &x [1, 'two', \"three\\n\"]\nb: *x\nc: {<<: {d: e}, f: !t g}\n"
      .. "h: |\n  text\n? k\n: v\n--- %\n...\n%TAG ! tag:x,1:\n---\n- -.inf\n- 0x1\n"
    for _ = 1, 5000 do
      local text = source
      for _ = 1, math.random(1, 6) do
        local at = math.random(#text)
        text = text:sub(1, at - 1) .. (math.random() < 0.5 and string.char(math.random(0, 255))
          or ("&*!|>%@`'\"{}[],:-?#<\n\t "):sub(math.random(24)):sub(1, 1))
          .. text:sub(at + math.random(0, 3))
      end
      local ok, value = pcall(yaml.decode_all, text, { documents = math.random() < 0.5 })
      if ok then
        local again, err = pcall(yaml.encode, value)
        if not again then expect(err.kind):equals "yaml" end
      elseif type(value) ~= "table" or value.kind ~= "yaml" then
        error(("%q: %s"):format(text, value))
      end
    end
    for i = 0, #source do pcall(yaml.decode_all, source:sub(1, i)) end
  end)
end)

describe("yaml.load and yaml.save", function()
  it("bring a value to a file and back", function()
    local path = fs.temp_dir() .. "/x.yaml"
    yaml.save(path, { a = { 1, "no" } })
    expect(fs.read(path)):equals "a:\n- 1\n- 'no'\n"
    expect(yaml.load(path)):equals { a = { 1, "no" } }
    fs.write(path, "--- 1\n--- 2\n")
    expect(yaml.load_all(path)):equals { 1, 2 }
  end)

  it("name the file", function()
    local path = fs.temp_dir() .. "/bad.yaml"
    fs.write(path, "a: 1\nb: c: d\n")
    local err = expect(function() yaml.load(path) end):raises "yaml"
    expect({ err.path, err.line, err.column }):equals { path, 2, 5 }
    expect(err.message):contains "bad.yaml: line 2, column 5: "
    err = expect(function() yaml.save(path, { f = print }) end):raises "yaml"
    expect(err.path):equals(path)
    expect(function() yaml.load(path .. ".gone") end):raises "os"
  end)

  it("can be cancelled", function()
    local path = fs.temp_dir() .. "/x.yaml"
    local early = orch.spawn({ hold = true }, yaml.save, path, {})
    early:cancel "too early"
    expect(function() early:await() end):raises "cancelled"
    expect(fs.exists(path)):falsy()
  end)
end)
