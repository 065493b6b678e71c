--- What is done with each file: a program, a line for the shell, or a function.
---
---     local run = prepare({ "gzip", "-k", "{input}" }, items[1])
---     run.call(item, { "build/.orch-1.gz" }, nil)

local arg = require "orch.arg"
local words = require "orch.convert.words"

local run = {}

--- A name like `-x.wav` must not look like an option.
local function harmless(path)
  return path:sub(1, 1) == "-" and "./" .. path or path
end

local function known_words(item, outputs)
  local known = {}
  for name, value in next, item.words do known[name] = value end
  known.input = harmless(item.input)
  for i, output in ipairs(outputs) do
    local name = item.names and item.names[i]
    known[name and "output_" .. name or "output"] = harmless(output)
  end
  if #outputs == 1 then known.output = harmless(outputs[1]) end
  return known
end

local function fill_command(command, item, outputs)
  local argv, known = {}, known_words(item, outputs)
  for i, word in ipairs(command) do
    argv[i] = words.fill("`run`", tostring(word), known)
  end
  return argv
end

local function program(command)
  for key in next, command do
    if math.type(key) ~= "integer" then
      arg.fail("convert: `run` is a list of arguments; `%s` belongs to convert itself",
        tostring(key))
    end
  end
  require("orch.process.command").split("convert: run", command)
  return function(item, outputs, timeout)
    local argv = fill_command(command, item, outputs)
    argv.timeout = timeout
    require("orch.process").run(argv)
  end
end

--- A value that the line does not use would be refused.
local function used_words(line, item, outputs)
  local values = {}
  for name, value in next, known_words(item, outputs) do
    if line:find("${" .. name .. "}", 1, true) then values[name] = value end
  end
  return values
end

local function shell(line)
  return function(item, outputs, timeout)
    require "orch.sh"(line, used_words(line, item, outputs), { timeout = timeout })
  end
end

--- Outputs in the shape in which `to` gave them.
local function shaped(item, outputs)
  if not item.names then return outputs[1] end
  local shape = {}
  for i, name in ipairs(item.names) do shape[name] = outputs[i] end
  return shape
end

local function callback(fn)
  return function(item, outputs, timeout)
    if not timeout then return fn(item.input, shaped(item, outputs)) end
    require("orch.scope").wait_for(fn, timeout, item.input, shaped(item, outputs))
  end
end

--- What is done, in a few digits: it is done again when they change.
local function fingerprint(what)
  local fingerprints = require "orch.pipeline.fingerprint"
  return require("orch.hash").md5(fingerprints.encode(fingerprints.memo(), what))
end

---@param what string|string[]|function
---@param first orch.convert.Item? to find mistakes in a template before anything is run
---@return {call: fun(item: orch.convert.Item, outputs: string[], timeout: number?), print: string}
function run.prepare(what, first)
  local call
  if arg.is_callable(what) then
    call = callback(what)
  elseif type(what) == "string" then
    call = shell(what)
    if first then
      require("orch.quote").fill("convert: run", what, used_words(what, first, first.outputs))
    end
  else
    call = program(what)
    if first then fill_command(what, first, first.outputs) end
  end
  return { call = call, print = fingerprint(what) }
end

return run
