-- Secrets: where they come from, which forms are masked, and in which outputs.

local dotenv = require "orch.secrets.dotenv"
local forms = require "orch.secrets.forms"
local fs, secrets, hash = orch.fs, orch.secrets, orch.hash

local KEY = 'zq-47/Grüße+"x\\y' -- slash, quote, backslash, not ASCII

local function run(code, opts)
  return test.run({ "-e", code }, opts)
end

--- Runs a script in which a secret is registered; gives what it wrote.
local function printed(code)
  local result = run('orch.secrets.mask "zq-47-key"\n' .. code)
  return result.stdout, result.stderr
end

describe("secrets.redact", function()
  it("changes nothing that is no secret", function()
    expect(secrets.redact "nothing registered looks like this"):equals
      "nothing registered looks like this"
    expect(secrets.redact ""):equals ""
  end)

  it("replaces a value wherever it stands", function()
    secrets.mask(KEY)
    expect(secrets.redact(KEY)):equals "***"
    expect(secrets.redact("<" .. KEY .. KEY .. ">")):equals "<******>"
    expect(secrets.redact(KEY:sub(1, -2))):equals(KEY:sub(1, -2))
  end)

  it("knows it in base64 at every alignment, also the alphabet of URLs", function()
    secrets.mask(KEY)
    for before = 0, 5 do
      for after = 0, 3 do
        local text = hash.base64(("<"):rep(before) .. KEY .. (">"):rep(after))
        for _, form in ipairs { text, (text:gsub("+", "-"):gsub("/", "_")) } do
          local hidden = secrets.redact(form)
          expect(hidden):contains "***"
          -- At most a digit at either end tells of it, and the padding.
          expect(#hidden):less_than(3 + (before + after) * 8 / 6 + 5)
        end
      end
    end
  end)

  it("knows it in URLs, forms and JSON", function()
    secrets.mask(KEY)
    local coded = "zq-47%2FGr%C3%BC%C3%9Fe%2B%22x%5Cy"
    expect(secrets.redact("a=" .. coded .. "&b=1")):equals "a=***&b=1"
    expect(secrets.redact(coded:lower():gsub("gr", "Gr") .. "&")):equals "***&"
    expect(secrets.redact "p/zq-47/Gr%C3%BC%C3%9Fe%2B%22x%5Cy"):equals "p/***"
    expect(secrets.redact(orch.json.encode { key = KEY })):equals '{"key":"***"}'
    secrets.mask "with blanks & all"
    expect(secrets.redact "q=with+blanks+%26+all"):equals "q=***"
    expect(secrets.redact "q=with%20blanks%20%26%20all"):equals "q=***"
  end)

  it("knows it in XML", function()
    secrets.mask [[a&b<"c">'d]]
    for _, form in ipairs { [[a&amp;b&lt;"c">'d]], [[a&amp;b&lt;&quot;c&quot;&gt;&apos;d]],
      [[a&amp;b&lt;&quot;c&quot;&gt;&#39;d]] } do
      expect(secrets.redact("<x>" .. form .. "</x>")):equals "<x>***</x>"
    end
  end)

  it("covers secrets that overlap, and the longer of two", function()
    secrets.mask "zq-overlap-one"
    secrets.mask "lap-one-two"
    secrets.mask "zq-overlap-one-longer"
    expect(secrets.redact "(zq-overlap-one-two)"):equals "(***)"
    expect(secrets.redact "(zq-overlap-one-longer)"):equals "(***)"
    expect(secrets.redact "(zq-overlap-one-long)"):equals "(***-long)"
  end)

  it("covers the lines of a key file", function()
    secrets.mask "-----BEGIN KEY-----\nzqMIIEvAIBADAN\nzqBgkqhkiG9w0B\n-----END KEY-----\n"
    expect(secrets.redact "  2 | zqBgkqhkiG9w0B"):equals "  2 | ***"
    expect(secrets.redact "-----BEGIN KEY-----"):equals "-----BEGIN KEY-----"
  end)

  it("a value too short to be masked is refused", function()
    local err = expect(function() secrets.mask "abc" end):raises "usage"
    expect(err.message):contains "fewer than 4 characters"
    expect(function() secrets.mask "  ab \n" end):raises "usage"
    expect(function() secrets.mask() end):raises "usage"
    secrets.cover "abc"
    expect(secrets.redact "abc"):equals "abc"
  end)
end)

describe("the search among thousands of forms", function()
  local core = require "orch.core.mask"

  local function word(size)
    local letters = {}
    for i = 1, size do letters[i] = string.char(97 + math.random(0, 2)) end
    return table.concat(letters)
  end

  --- The same, letter by letter.
  local function masked(text, words)
    local out, covered = {}, 0
    for i = 1, #text do
      local longest = 0
      for _, form in ipairs(words) do
        if text:find(form, i, true) == i then longest = math.max(longest, #form) end
      end
      if longest > 0 and i > covered then out[#out + 1] = "***" end
      covered = math.max(covered, longest > 0 and i + longest - 1 or 0)
      if i > covered then out[#out + 1] = text:sub(i, i) end
    end
    return table.concat(out)
  end

  it("finds what a plain one finds, also when some were forgotten", function()
    local before = core.count()
    for _ = 1, 300 do
      local words = {}
      for i = 1, 5 do
        words[i] = word(math.random(4, 7))
        core.add(words[i])
      end
      local count = core.count()
      for _ = 1, 3 do core.add(word(math.random(4, 8))) end
      core.forget(count)
      local text = word(40)
      expect({ words, text, core.redact(text) }):equals { words, text, masked(text, words) }
      core.forget(before)
    end
  end)

  it("forgets the younger ones only", function()
    local before = core.count()
    local function form(i) return ("%08x"):format(i * 2654435761 & 0xffffffff) end
    for i = 1, 9000 do core.add(form(i)) end
    core.forget(before + 4500)
    for i = 1, 9000 do
      expect(core.redact(form(i))):equals(i <= 4500 and "***" or form(i))
    end
    core.forget(before)
    expect(core.redact(form(1))):equals(form(1))
  end)
end)

describe("forms.of", function()
  it("has none so short that it hides other words", function()
    for _, secret in ipairs { "abcd", "\0\0\0\0", "a b c", "----" } do
      for _, form in ipairs(forms.of(secret)) do
        expect(#form):greater_than(3)
      end
    end
  end)
end)

describe("a test case", function()
  it("takes its secrets with it, masked in its report", function()
    local dir = test.temp_dir()
    fs.write(dir .. "/a_test.lua", [[
      orch.secrets.mask "of-the-file"
      it("fails", function()
        local key = orch.secrets.mask("of-the-" .. "case")
        expect { key, "of-the-file" }:equals { "x" .. key }
      end)
      it("is not concerned", function()
        expect(orch.secrets.redact "of-the-case of-the-file"):equals "of-the-case ***"
        orch.secrets.mask "of-the-case"
        expect(orch.secrets.redact "of-the-case"):equals "***"
      end)
      it("prints it", function() print "of-the-case of-the-file" end)]])
    local result = test.run { "test", dir }
    expect(result.stdout):contains "2 passed, 1 failed"
    expect(result.stdout):contains "of-the-case ***\n"
    expect(result.stdout).never:contains "of-the-file"
    expect(result.stdout:gsub("\n[^\n]+", "", 1)).never:contains "of-the-case\""
    expect(result.stdout):contains 'expected {"***", "***"} to equal {"x***"}'
  end)
end)

describe("what a run writes is masked", function()
  it("print, io.write, io.stdout and io.stderr", function()
    local out, err = printed [[
      print("a", "zq-47-key", 1)
      io.write("b zq-47-key\n")
      local file = io.stdout
      file:write("c zq-47-key\n")
      io.output():write("d zq-47-key\n")
      io.stderr:write("e zq-47-key\n")]]
    expect(out):equals "a\t***\t1\nb ***\nc ***\nd ***\n"
    expect(err):equals "e ***\n"
  end)

  it("a secret in pieces, and what only began like one", function()
    local out, err = printed [[
      for c in ("one zq-47-key zq-47-kex zq-4"):gmatch "." do io.write(c):flush() end
      io.stderr:write("zq-", "47-k", "ey", "zq")]]
    expect(out):equals "one *** zq-47-kex zq-4"
    expect(err):equals "***zq"
  end)

  it("two arguments of print are two texts", function()
    expect((printed 'print("zq-47", "-key")')):equals "zq-47\t-key\n"
  end)

  it("errors: the report, the excerpt, the suppressed, the message itself", function()
    local out, err = printed [[
      local ok, e = orch.try(error, "bad zq-47-key")
      assert(e.message == "bad ***")
      local ok, e = orch.try(orch.error, { kind = "x", message = "zq-47-key" })
      assert(e.message == "***")
      orch.spawn(function()
        local _ <close> = orch.defer(function() error "second zq-47-key" end)
        orch.sleep(9)
      end)
      orch.checkpoint()
      error "first zq-47-key"]]
    expect(out):equals ""
    expect(err).never:contains "zq-47-key"
    expect(err):contains "first ***"
    expect(err):contains "second ***"
  end)

  it("half a secret is not shown where a line or a message is cut", function()
    local long = ("zq47"):rep(40)
    local result = run(("local key = orch.secrets.mask '%s' .. nil"):format(long))
    expect(result.stderr):contains "***"
    expect(result.stderr).never:contains "zq47"
    result = run(([[
      local server <close> = orch.http.serve({}, function()
        return { status = 400, json = { error = { message = ("x"):rep(450) .. " %s" } } }
      end)
      orch.ai.openai { base_url = server.url .. "/v1", key = "%s" }:chat "hi"]]):format(long, long))
    expect(result.stderr):contains "xxx"
    expect(result.stderr).never:contains "zq47"
  end)

  it("the log, its fields and a sink of one's own", function()
    local out, err = printed [[
      orch.log.warn("got zq-47-key", { key = "zq-47-key", list = { "zq-47-key" } })
      orch.log.sink(function(r) print(r.message, r.fields.key, r.fields.list[1]) end)
      orch.log.warn("got zq-47-key", { key = "zq-47-key", list = { "zq-47-key" } })]]
    expect(err):contains 'got *** key=*** list='
    expect(err).never:contains "zq-47-key"
    expect(out):equals "got ***\t***\t***\n"
  end)

  it("the task tree, the trace and threads", function()
    local out, err = printed [[
      orch.spawn({ name = "zq-47-key" }, orch.sleep, "1ms")
      print(orch.task_tree())
      orch.thread(function() print "zq-47-key" io.write "zq-47-key\n" end)]]
    expect(out).never:contains "zq-47-key"
    expect(out):matches "%*%*%*\n%*%*%*\n$"
    local result = test.run { "run", "--trace", "-e", [[
      orch.secrets.mask "zq-47-key"
      orch.spawn({ name = "zq-47-key" }, orch.sleep, "1ms")]] }
    expect(result.stderr).never:contains "zq-47-key"
  end)

  it("what a worker thread registers, in all threads", function()
    local result = run [[
      orch.thread(function()
        require("orch.secrets").mask "zq-47-key"
        io.write "zq-47-key\n"
      end)
      io.write "zq-47-key\n"
      io.stderr:write "zq-47-key\n"
      print(orch.thread(function() return orch.secrets.redact "zq-47-key" end))]]
    expect(result.stdout):equals "***\n***\n***\n"
    expect(result.stderr):equals "***\n"
  end)

  it("in a thread that runs already", function()
    local result = run [[
      local ready, go = orch.fs.temp_file(), orch.fs.temp_file()
      orch.fs.remove(ready)
      local task = orch.spawn(orch.thread, function(ready, go)
        io.open(ready, "w"):close()
        while io.open(go) do end
        io.write "zq-47-key\n"
        io.stderr:write "zq-47-key\n"
      end, ready, go)
      while not orch.fs.exists(ready) do orch.sleep "1ms" end
      orch.secrets.mask "zq-47-key"
      orch.fs.remove(go)
      task:await()]]
    expect(result.stdout):equals "***\n"
    expect(result.stderr):equals "***\n"
  end)

  it("the output of a child where the script prints it", function()
    expect((printed [[print(orch.sh("echo zq-47-key").stdout)]])):equals "***\n\n"
  end)

  it("what is typed into a secret prompt", function()
    local command = orch.process.quote { require("orch.core.runtime").executable(), "-e",
      [[local key = orch.tty.prompt("key: ", { secret = true }) print("it is " .. key)]] }
    local result = orch.process.run { "script", "-qec", command, "/dev/null",
      stdin = "zq-typed\n", timeout = "20s" }
    expect(result.stdout):contains "it is ***"
  end)

  it("a full disk and a reader that has gone are still told", function()
    local result = orch.sh("${orch} -e ${code} >/dev/full", {
      orch = require("orch.core.runtime").executable(),
      code = 'orch.secrets.mask "zq-47-key" print "zq-47-key"',
    }, { check = false })
    expect(result.exit_code):equals(1)
    expect(result.stderr):contains "No space left on device"
    local result = orch.sh("${orch} -e ${code} | head -1", {
      orch = require("orch.core.runtime").executable(),
      code = 'orch.secrets.mask "zq-47-key" for _ = 1, 1e6 do print "zq-47-key" end',
    }, { check = false })
    expect(result.stdout):equals "***\n"
    expect(result.stderr):equals ""
  end)

  it("a large text goes through whole", function()
    local out = printed [[io.write(("0123456789zq-47-key"):rep(100000))]]
    expect(#out):equals(1300000)
    expect(out:gsub("0123456789%*%*%*", "")):equals ""
  end)
end)

describe("secrets.get", function()
  local folder
  before_each(function()
    folder = test.temp_dir()
    fs.write(folder .. "/.env", "ZQ_FILE=from-the-file\nZQ_BOTH=from-the-file\nZQ_NONE=\n")
  end)

  it("asks the environment, the task's included, then the file", function()
    local _ <close> = orch.cd(folder)
    local _ <close> = orch.with_env { ZQ_BOTH = "from-the-task" }
    expect(secrets.get "ZQ_BOTH"):equals "from-the-task"
    expect(secrets.get "ZQ_FILE"):equals "from-the-file"
    expect(secrets.redact "from-the-task, from-the-file"):equals "***, ***"
    expect(secrets.find "ZQ_NONE"):is_nil()
    local err = expect(function() secrets.get "ZQ_NONE" end):raises "usage"
    expect(err.message):equals("secrets.get: ZQ_NONE is not set: put it into the "
      .. "environment, or a line `ZQ_NONE=...` into the file .env")
    expect(err.names):equals { "ZQ_NONE" }
  end)

  it("takes another file, which must exist", function()
    fs.write(folder .. "/release.env", "ZQ_FILE='for the release'\n")
    local _ <close> = orch.cd(folder)
    expect(secrets.get("ZQ_FILE", { file = "release.env" })):equals "for the release"
    local err = expect(function() secrets.get("ZQ_FILE", { file = "no.env" }) end):raises "os"
    expect(err.message):equals "secrets: there is no file 'no.env'"
  end)

  it("a declaration gives all of them, or says what is missing", function()
    local _ <close> = orch.cd(folder)
    expect(secrets { "ZQ_FILE", "ZQ_BOTH" }):equals {
      ZQ_FILE = "from-the-file", ZQ_BOTH = "from-the-file" }
    local err = expect(function() secrets { "ZQ_FILE", "ZQ_NO", "ZQ_NONE" } end):raises "usage"
    expect(err.message):contains("secrets: ZQ_NO, ZQ_NONE are not set: put them "
      .. "into the environment, or lines such as `ZQ_NO=...` into the file .env")
    expect(function() secrets { "ZQ_FILE", fil = ".env" } end):raises "did you mean `file`"
  end)

  it("does not show a secret that was given for the name", function()
    local err = expect(function() secrets.get "sk-ant-api03-0123456789abcdef==" end):raises "usage"
    expect(err.message).never:contains "api03"
    expect(function() secrets.get(7) end):raises "usage"
    expect(function() secrets.gett() end):raises "did you mean 'get'"
  end)
end)

describe("dotenv.parse", function()
  local function parse(text) return dotenv.parse(text, ".env") end

  it("reads what people write", function()
    expect(parse(table.concat({
      "\239\187\191# a comment", "", "A=1", "export B=two words  ", "  C = spaced",
      "D=a#b # comment", "E=", "F=#all of it", "G='it''s'# no"
    }, "\r\n"):gsub("''", ""))):equals {
      A = "1", B = "two words", C = "spaced", D = "a#b", E = "", F = "", G = "its" }
  end)

  it("knows both quotes, over several lines", function()
    expect(parse [[
A='single $HOME \n "x"'   # comment
B="double \"x\" \\ \n\ttab \$1 #no"
C="line 1
line 2"
D='-----BEGIN
x
-----END'
E="a"]]):equals {
      A = [[single $HOME \n "x"]], B = 'double "x" \\ \n\ttab $1 #no',
      C = "line 1\nline 2", D = "-----BEGIN\nx\n-----END", E = "a" }
  end)

  it("the last line of a name counts; values may hold =", function()
    expect(parse "A=1\nA=x=y==\nexport=3\n"):equals { A = "x=y==", export = "3" }
  end)

  it("says where a line is wrong, and does not show it", function()
    local wrong = {
      ["A=1\nsecret\n"] = ".env:2: this is not NAME=value",
      ["A=1\n\n 1B=2"] = ".env:3: this is not NAME=value",
      ["A='open\nB=1\n"] = ".env:1: the quote is never closed",
      ['A="open\\"'] = ".env:1: the quote is never closed",
      ["A='a'b"] = ".env:1: something follows the closing quote",
    }
    for text, message in pairs(wrong) do
      local err = expect(function() parse(text) end):raises "usage"
      expect(err.message):equals(message)
    end
  end)

  it("a file that cannot be read is told, one that is not there gives nil", function()
    local folder = test.temp_dir()
    expect(dotenv.load(folder .. "/no.env")):is_nil()
    fs.mkdir(folder .. "/.env")
    local err = expect(function() dotenv.load(folder .. "/.env") end):raises "os"
    expect(err.message):contains "it is a folder"
  end)
end)
