local fs = orch.fs

local dir
before_each(function() dir = fs.temp_dir() end)

local function file(text, name)
  local path = dir .. "/" .. (name or "a.log")
  fs.write(path, text, { sync = false })
  return path
end

local function count(text, pattern, opts)
  return fs.scan(file(text), pattern, opts).total[pattern]
end

describe("scan", function()
  it("counts matching lines, or matches", function()
    local text = "error error\nfine\nan ERROR\r\nlast error"
    expect(count(text, "error")):equals(2)
    expect(count(text, "error", { caseless = true })):equals(3)
    expect(count(text, "error", { occurrences = true })):equals(3)
    expect(count(text, "e(r+)or", { occurrences = true, caseless = true })):equals(4)
    expect(count(text, "^")):equals(4)
    expect(count(text, "e", { occurrences = true })):equals(4)
    expect(count("", "x")):equals(0)
    expect(count("", "^")):equals(0)
    expect(count("\n\n", "^$")):equals(2)
    expect(count("aaa", "x*", { occurrences = true })):equals(3)
  end)

  it("gives each file and pattern its count", function()
    local a, b = file("error\nwarning\nwarning\n", "a"), file("error", "b")
    local result = fs.scan({ b, a }, { errors = "error", warnings = "warning" }, { lines = true })
    expect(result.total):equals { errors = 2, warnings = 2 }
    expect(result.files):equals {
      { path = b, bytes = 5, lines = 1, counts = { errors = 1, warnings = 0 } },
      { path = a, bytes = 22, lines = 3, counts = { errors = 1, warnings = 2 } },
    }
    expect(fs.scan({ a, b }, { "error", "warning" }).total):equals { error = 2, warning = 2 }
  end)

  it("gives matches with line, column and text", function()
    local path = file("one\n  two error\r\nerror: error\n\nlast Error")
    local result = fs.scan(path, { e = "error", n = "\\bone|last" },
      { caseless = true, matches = true })
    expect(result.matches):equals {
      { path = path, pattern = "n", line = 1, column = 1, text = "one" },
      { path = path, pattern = "e", line = 2, column = 7, text = "  two error" },
      { path = path, pattern = "e", line = 3, column = 1, text = "error: error" },
      { path = path, pattern = "n", line = 5, column = 1, text = "last Error" },
      { path = path, pattern = "e", line = 5, column = 6, text = "last Error" },
    }
    result = fs.scan(path, { e = "error" }, { limit = 1 })
    expect(#result.matches):equals(1)
    expect(result.total.e):equals(2)
    result = fs.scan(path, "error", { occurrences = true, matches = true })
    expect(result.matches[3].column):equals(8)
  end)

  it("never matches over the end of a line", function()
    local text = "a\nb\nab\n"
    expect(count(text, "a\\s*b")):equals(1)
    expect(count(text, "a[^x]*b")):equals(1)
    expect(count(text, "a\nb", { literal = true })):equals(0)
    expect(count(text, "[^x]+", { occurrences = true })):equals(3)
    expect(count("foo\nbar", "foo$")):equals(1)
    expect(count("foo\n\nbar", "\\s+")):equals(0)
  end)

  it("takes text as text, and what is not ASCII as characters", function()
    expect(count("a.b\naxb\n", "a.b", { literal = true })):equals(1)
    expect(count("Ä\nä\n", "ä", { caseless = true })):equals(2)
    expect(count("Ä\nä\n", "ä")):equals(1)
    expect(count("xäx\n", "^x[äö]x$")):equals(1)
    expect(count("\xff\xfeä\n", "[ä]")):equals(1)
    expect(count("K\nk\n", "k", { caseless = true })):equals(2)
  end)

  it("agrees with a plain search on random texts", function()
    for _ = 1, 200 do
      local parts = {}
      for i = 1, math.random(0, 400) do
        parts[i] = ({ "e", "r", "E", "R", "er", "\n", "x", "ror\n" })[math.random(8)]
      end
      local text = table.concat(parts)
      local word = ({ "e", "er", "rer", "erer", "rorx", "ReR" })[math.random(6)]
      local lines, matches = 0, 0
      for line in (text .. "\n"):gmatch("(.-)\n") do
        local _, n = line:gsub(word, "")
        matches = matches + n
        if n > 0 then lines = lines + 1 end
      end
      expect(count(text, word)):equals(lines)
      expect(count(text, word, { occurrences = true })):equals(matches)
      expect(count(text, "(?:" .. word .. ")")):equals(lines)
      local folded = 0
      for line in (text .. "\n"):lower():gmatch("(.-)\n") do
        if line:find(word:lower(), 1, true) then folded = folded + 1 end
      end
      expect(count(text, word, { caseless = true })):equals(folded)
    end
  end)

  it("cuts large files between lines", function()
    local block, lines = {}, 0
    for i = 1, 30000 do block[i] = ("%d"):format(i):rep(i % 40) .. (i % 7 == 0 and " error" or "") end
    local text = table.concat(block, "\n") .. "\n"
    text = text:rep(math.ceil(40000000 / #text))
    local path = file(text .. ("x"):rep(700000) .. "error end")
    for line in text:gmatch("[^\n]*\n") do
      if line:find("error", 1, true) then lines = lines + 1 end
    end
    local result = fs.scan(path, { "error", "^\\d* error$", "error end" }, { limit = 1, lines = true })
    expect(result.total.error):equals(lines + 1)
    expect(result.total["^\\d* error$"]):equals(lines)
    local _, newlines = text:gsub("\n", "")
    expect(result.files[1].lines):equals(newlines + 1)
    expect(result.matches[#result.matches].line):equals(newlines + 1)
    expect(result.matches[#result.matches].column):equals(700001)
  end)

  it("reads folders as the files below them", function()
    fs.mkdir(dir .. "/x/y")
    file("hit\n", "x/one")
    file("hit\nhit\n", "x/y/two")
    local result = fs.scan({ dir .. "/x", file("hit", "z") }, "hit")
    expect(result.total.hit):equals(4)
    expect(#result.files):equals(3)
    expect(result.files[2].path):equals(dir .. "/x/y/two")
  end)

  it("reads what tells no size", function()
    expect(fs.scan("/proc/self/status", "VmRSS").total.VmRSS):equals(1)
  end)

  it("says what is wrong", function()
    local err = expect(function() fs.scan(file "", "a(") end):raises("usage")
    expect(err.message):contains("the pattern 'a(' is wrong at character 3")
    expect(function() fs.scan(dir .. "/none", "x") end):raises { code = "ENOENT" }
    expect(function() fs.scan({ file "", dir .. "/none" }, "x") end):raises { code = "ENOENT" }
    expect(function() fs.scan(file "", { 1 }) end):raises("usage")
    expect(function() fs.scan(file "", "x", { limit = 0 }) end):raises("usage")
    err = expect(function() fs.scan(file(("a"):rep(100000) .. "!"), "^(a+)+$") end):raises("os")
    expect(err.message):contains("a pattern needs too many steps")
  end)

  it("can be cancelled", function()
    local path = file(("some line without it\n"):rep(1000000))
    for _, early in ipairs { true, false } do
      local ended = false
      local task = orch.spawn({ hold = true }, function()
        if early then orch.current_task():cancel("early") end
        fs.scan({ path, path, path }, { "a.*b", "x.*y" })
        ended = true
      end)
      orch.checkpoint()
      task:cancel("in flight")
      expect(function() task:await() end):raises("cancelled")
      expect(ended):equals(false)
    end
  end)
end)
