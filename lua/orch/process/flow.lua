--- What flows to and from a command: lines to callbacks, pieces to its stdin.

local scopes = require "orch.scope"
local arg = require "orch.arg"
local failure = require "orch.process.failure"

local flow = {}

local TAIL = 4096 -- bytes kept for an error
local LONGEST_LINE = 16 << 20 -- a longer one comes in pieces

--- Cuts what comes in pieces into lines; returns add(bytes) and finish().
local function line_cutter(callback)
  local parts, size = {}, 0 -- of the line that has not ended

  local function finish()
    if size == 0 then return end
    local line = table.concat(parts)
    parts, size = {}, 0
    callback(line)
  end

  local function keep(bytes)
    if bytes == "" then return end
    parts[#parts + 1], size = bytes, size + #bytes
    if size >= LONGEST_LINE then finish() end
  end

  local function add(bytes)
    local stop = bytes:find("\n", 1, true)
    if not stop then return keep(bytes) end
    if size > 0 then
      keep(bytes:sub(1, stop - 1))
      finish()
    else
      callback(bytes:sub(1, stop - 1))
    end
    local from = stop + 1
    stop = bytes:find("\n", from, true)
    while stop do
      callback(bytes:sub(from, stop - 1))
      from = stop + 1
      stop = bytes:find("\n", from, true)
    end
    keep(bytes:sub(from))
  end
  return add, finish
end

local function write_pieces(child, source)
  while true do
    local piece = source()
    if piece == nil then break end
    if math.type(piece) then piece = tostring(piece) end
    if type(piece) ~= "string" then
      arg.fail("process.run: the `stdin` function should give strings, not %s",
        arg.describe(piece))
    end
    if not child:write(piece) then return end -- it reads no more
  end
  child:close_stdin()
end

---What is handed on of an output: `add` takes bytes and may wait, `finish` comes at the
---end, `tail` gives the last bytes.
---@class orch.OutputTaker
---@field add fun(bytes: string): "overflow"?
---@field finish fun()
---@field tail fun(): string

---@param tail string
---@param bytes string that follow
---@return string tail
function flow.tail(tail, bytes)
  if #bytes < TAIL then bytes = tail .. bytes end
  return bytes:sub(-TAIL)
end

---@param callback fun(line: string)
---@return orch.OutputTaker
function flow.to_lines(callback)
  local cut, finish = line_cutter(callback)
  local tail = ""
  local function add(bytes)
    tail = flow.tail(tail, bytes)
    cut(bytes)
  end
  return { add = add, finish = finish, tail = function() return tail end }
end

---Hands on what comes until the command has ended.
---@async
---@param takers {stdout: orch.OutputTaker?, stderr: orch.OutputTaker?}
---@param limit fun(what: string, which: string?) raises: a limit was hit
function flow.follow(child, takers, limit)
  while true do
    local what, value = child:next()
    if what == nil then break end
    local taker = takers[what]
    if not taker then limit(what, value) end
    if taker.add(value) == "overflow" then limit("overflow", what) end
  end
  if takers.stdout then takers.stdout.finish() end
  if takers.stderr then takers.stderr.finish() end
end

---Calls `fn` while a task of its own writes what `source` gives; without a source,
---just calls it.
---@async
---@param source (fun(): string?)?
---@return any ... the results of `fn`
function flow.fed(child, source, command, fn, ...)
  if not source then return fn(...) end
  local scope <close> = scopes.scope { name = "stdin" }
  local feeder = scope:start("stdin of " .. failure.show(command), write_pieces, child, source)
  return (function(...)
    feeder:cancel "the command has ended"
    return ...
  end)(fn(...))
end

return flow
