-- The JSON view: every record as it happens, on a line of its own.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local fixture = dofile(here .. "/helper/run_fixture.lua")
local stages = dofile(here .. "/helper/view_stage.lua")
local events = require "orch.pipeline.events"
local model = require "orch.pipeline.model"

local function read_back(text)
  local list = {}
  local records, info = events.parse(text)
  for record in records do list[#list + 1] = record end
  expect(info.skipped):equals(0)
  return list
end

describe("json", function()
  it("gives the records of the log", function()
    local records = fixture.records { jobs = 20 }
    local stage = stages.new("json"):play(records)
    stage.view:close()
    local list = read_back(stage:text())
    expect(#list):equals(#records)
    local run = model.new()
    for _, record in ipairs(list) do run:apply(record) end
    expect(run.counts):equals(stage.run.counts)
    expect(run.status):equals(stage.run.status)
    expect(stage:text()):matches '^{"t":0%.000000,"event":"run_start","args":%['
  end)

  it("gives the output too, also what is not UTF-8", function()
    local stage = stages.new("json"):start():jobs { "a" }
    stage:take()
    stage:say("output", 1.5, { job = "a", text = "\27[1mcaf\xe9\n" })
    stage.view:print "script\n"
    stage:say("job_ready", 2, {})
    expect(stage:take()):equals(
      '{"t":1.500000,"event":"output","job":"a","text":"\\u001b[1mcaf\u{FFFD}\\n"}\n'
      .. '{"t":1.500000,"event":"output","text":"script\\n"}\n'
      .. '{"t":2.000000,"event":"job_ready"}\n')
  end)

  it("begins with what this session has written before it was watched", function()
    local folder = orch.fs.temp_dir()
    local earlier = '{"t":0.000000,"event":"run_start","run":"x"}\n'
    local own = '{"t":0.000000,"event":"run_resume","run":"x"}\n{"t":0.1,"event":"job","job":"a"}\n'
    orch.fs.write(folder .. "/events.jsonl", earlier .. own)
    local run = model.load(folder .. "/events.jsonl")
    local text = {}
    local file = { write = function(self, s) text[#text + 1] = s return self end,
      flush = function(self) return self end }
    require("orch.view").open("json", run, { folder = folder, stdout = file })
    expect(table.concat(text)):equals(own)
  end)
end)
