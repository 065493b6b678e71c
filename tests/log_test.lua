-- orch.log: one line per record, through one sink.

local log = require "orch.log"
local exe = orch.fs.stat("/proc/self/exe", { follow = false }).target

describe("log", function()
  local records, before, level

  before_each(function()
    records = {}
    before = log.sink(function(record) records[#records + 1] = record end)
    level = log.level("debug")
  end)
  after_each(function()
    log.sink(before)
    log.level(level)
  end)

  local function line(record)
    record.time = 0
    return (log.format(record):gsub("^%d%d:%d%d:%d%d ", ""))
  end

  it("makes a record of each level", function()
    log.debug("a")
    log.info("b", { n = 1 })
    log.warn("c")
    log.error("d")
    local levels = {}
    for i, record in ipairs(records) do levels[i] = record.level .. record.message end
    expect(levels):equals { "debuga", "infob", "warnc", "errord" }
    expect(records[2].fields):equals { n = 1 }
    expect(records[1].time):near(os.time(), 5)
  end)

  it("drops what is below the level", function()
    expect(log.level("warn")):equals("debug")
    log.info("a")
    log.warn("b")
    expect(#records):equals(1)
    expect(log.level()):equals("warn")
    log.level("off")
    log.error("c")
    expect(#records):equals(1)
    expect(function() log.level("wran") end):raises("did you mean 'warn'")
  end)

  it("writes fields sorted, on one line", function()
    log.info("up\nloaded\27[2J", {
      z = "two words", a = 1, list = { 1, { b = 2 } }, quote = 'say "x"', empty = "",
      path = "a/b.png", ok = true,
    })
    expect(line(records[1])):equals([[info  ]] .. "[" .. records[1].task .. "] "
      .. [[up\nloaded\x1b[2J a=1 empty="" list=[1,{"b":2}] ok=true path=a/b.png ]]
      .. [[quote="say \"x\"" z="two words"]])
    log.info("bad field", { f = print, t = { print } })
    expect(line(records[2])):matches("f=\"function: [^\n]*\" t=\"table: ")
  end)

  it("knows the task", function()
    orch.spawn({ name = "upload" }, function() log.info("a") end):await()
    orch.spawn(function() log.info("b") end):await()
    expect(records[1].task):equals("upload")
    expect(line(records[1])):equals("info  [upload] a")
    expect(records[2].task == nil or records[2].task ~= "upload"):truthy()
  end)

  it("has a prefix for a task and those it spawns", function()
    do
      local _ <close> = log.prefix("deploy")
      log.info("a")
      orch.spawn(function()
        local _ <close> = log.prefix("upload")
        log.info("b")
      end):await()
      log.info("c")
    end
    log.info("d")
    local prefixes = {}
    for i, record in ipairs(records) do prefixes[i] = record.prefix or "-" end
    expect(prefixes):equals { "deploy", "deploy: upload", "deploy", "-" }
    expect(line(records[2])):contains("deploy: upload: b")
  end)

  it("keeps its prefix apart from other tasks", function()
    orch.gather({
      function()
        local _ <close> = log.prefix("one")
        orch.checkpoint()
        log.info("1")
      end,
      function()
        orch.checkpoint()
        log.info("2")
      end,
    })
    local found = {}
    for _, record in ipairs(records) do found[record.message] = record.prefix or "-" end
    expect(found):equals { ["1"] = "one", ["2"] = "-" }
  end)

  it("survives a closed standard error", function()
    local result = orch.process.run {
      exe, "-e",
      'io.stderr:close() orch.log.error("x") for _ in orch.progress({1}, "y") do end print("still here")',
    }
    expect(result.stdout):equals("still here\n")
  end)

  it("goes to standard error, plain without a terminal", function()
    local result = orch.process.run {
      exe, "-e",
      'orch.log.info("x", {a = 1}) orch.log.debug("no") print("out")',
    }
    expect(result.stdout):equals("out\n")
    expect(result.stderr):matches("^%d%d:%d%d:%d%d info  x a=1\n$")
  end)

  it("refuses what is no log line", function()
    expect(function() log.info() end):raises("log.info: argument 1")
    expect(function() log.warn("x", "y") end):raises("log.warn: argument 2")
    expect(function() log.sink(1) end):raises("log.sink: argument 1")
    expect(function() log.prefix() end):raises("log.prefix: argument 1")
    expect(function() return log.wran end):raises("did you mean 'warn'")
  end)
end)
