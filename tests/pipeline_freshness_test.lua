-- What is kept of a job that has succeeded: only what its files were all the time.

local definition = require "orch.pipeline.definition"
local freshness = require "orch.pipeline.freshness"
local inputs = require "orch.pipeline.inputs"
local fs = orch.fs

local job, session, node
before_each(function()
  local dir = test.temp_dir()
  job = { name = "build", needed = {}, inputs = { dir .. "/in" }, outputs = { dir .. "/out" },
    run = "true" }
  session = { results = {}, records = {}, run = { id = "r" }, memo = definition.memo() }
  for _, path in ipairs { "in", "out" } do
    fs.write(dir .. "/" .. path, "old", { sync = false })
    orch.sh("touch -d 2020-01-01 " .. dir .. "/" .. path)
  end
  node = { job = job, definition = definition.digest(job), look = inputs.look({ job })[1] }
end)

--- Somebody saves a file after the job has ended, before its content is read.
local function save_late(path)
  local detail = inputs.detail
  local _ <close> = setmetatable({}, { __close = function() inputs.detail = detail end })
  inputs.detail = function(...)
    fs.write(path, "new", { sync = false })
    return detail(...)
  end
  return freshness.record(session, node, nil, 1)
end

describe("the record of a job", function()
  it("vouches for what its files were", function()
    local record = freshness.record(session, node, nil, 1)
    local look = inputs.look({ job })[1]
    expect(record.inputs_stamp):equals(look.inputs.stamp)
    expect(record.outputs_stamp):equals(look.outputs.stamp)
    expect(#record.inputs_digest):equals(16)
  end)

  it("does not take an input that is saved right after it for the one that it used", function()
    local record = save_late(job.inputs[1])
    expect(record.inputs_stamp):equals ""
    expect(record.inputs_digest):equals ""
  end)

  it("has stamp and content of one and the same output", function()
    local record = save_late(job.outputs[1])
    expect(record.outputs_stamp):equals(inputs.look({ job })[1].outputs.stamp)
  end)
end)
