--- One file: its outputs are made under other names, looked at, and put in place.

local errors = require "orch.core.error"
local fs = require "orch.fs"
local scope = require "orch.scope"

local function fail(item, message, ...)
  errors.throw(errors.make { kind = "convert", path = item.input,
    message = message:format(...) })
end

--- A tool may end well and have written nothing.
local function check(item, temporaries)
  for i, temporary in ipairs(temporaries) do
    local output = item.outputs[i]
    if not fs.exists(temporary) then
      fail(item, "the conversion succeeded, but did not write '%s'", output)
    end
    local stat = fs.stat(temporary)
    if stat.type ~= "file" then
      fail(item, "the conversion made a %s of '%s'", stat.type, output)
    elseif stat.size == 0 then
      fail(item, "the conversion left '%s' empty", output)
    end
  end
end

local function remove_all(temporaries)
  for _, temporary in ipairs(temporaries) do
    fs.remove(temporary, { recursive = true, missing_ok = true })
  end
end

--- In the words of the outputs: relative where they are.
local function beside(output, temporary)
  return (output:match "^(.*/)[^/]*$" or "") .. temporary:match "[^/]*$"
end

---@async
---@param item orch.convert.Item
---@param opts table
---@param records orch.convert.Records
---@return "converted"|"skipped" what
local function one(item, opts, records)
  if item.failure ~= nil then error(item.failure, 0) end
  if not opts.force and records:is_current(item, opts.run.print) then return "skipped" end
  local record = records:look(item, opts.run.print)
  local temporaries = {}
  for i, full in ipairs(item.full) do
    fs.mkdir(fs.path.dirname(full))
    temporaries[i] = beside(item.outputs[i], records:temporary(full))
  end
  local _ <close> = scope.defer(function() remove_all(temporaries) end)
  opts.run.call(item, temporaries, opts.timeout)
  check(item, temporaries)
  for i, temporary in ipairs(temporaries) do fs.move(temporary, item.full[i]) end
  records:note(item, record)
  return "converted"
end

return one
