--- Answers requests from a tape: which exchange fits, what it gives, and, when none
--- does, which came nearest.

local clock = require "orch.core.clock"
local errors = require "orch.core.error"
local address = require "orch.http.tape.address"
local body = require "orch.http.tape.body"
local file = require "orch.http.tape.file"
local match = require "orch.http.tape.match"
local park = require "orch.core.park"
local request = require "orch.http.tape.request"

local SHOWN_DIFFERENCES = 3
local PIECE = 1 << 20

local replay = {}

--- ---- finding one ----

--- The live request in the form of the tape's field "request".
local function look(tape, raw)
  local json = require "orch.json"
  local fields = request.head_fields(raw, tape.redactor)
  local more = request.body_fields(raw.body, raw.headers or {}, tape.redactor, tape.limit)
  table.move(more, 1, #more, #fields + 1, fields)
  local text = file.object { { "request", raw = file.object(fields) } }
  return file.restore(json.decode(text, { big_floats = true })).request
end

---Puts the exchanges of a tape where requests will look for them.
---@param list table[] as they were read
---@return table<string, table[]> index
function replay.index(list)
  local index = {}
  for _, one in ipairs(list) do
    local key = address.key(one.request.method, one.request.url)
    index[key] = index[key] or {}
    table.insert(index[key], one)
  end
  return index
end

local function first_that_fits(tape, list, live)
  for i, one in ipairs(list) do
    if not one.used and #match.compare(one.request, live, tape.headers) == 0 then
      one.used = true
      return table.remove(list, i)
    end
  end
end

---The exchange that answers a request: the first one that fits and was not used yet.
---@async
---@param tape table
---@param raw table a request of the wire
---@return table? exchange
---@return table live the request in the form in which it is compared
---@return table raw the request, to be sent: a body from a function was read
function replay.find(tape, raw)
  if type(raw.body) == "function" then
    local copy = {}
    for key, value in next, raw do copy[key] = value end
    copy.body = request.drain(raw.body, tape.limit * 64)
    raw = copy
  end
  local live = look(tape, raw)
  local list = tape.index[address.key(live.method, live.url)]
  return list and first_that_fits(tape, list, live)
    or first_that_fits(tape, tape.masked, live), live, raw
end

--- ---- none of them ----

local function count_of(n)
  return n == 1 and "once" or n == 2 and "twice" or n .. " times"
end

local function nearest(tape, live)
  local best, same = nil, 0
  for _, one in ipairs(tape.list) do
    local found = match.compare(one.request, live, tape.headers)
    if #found == 0 then same = same + 1 end
    if #found > 0 and (not best or found.cost < best.found.cost) then
      best = { exchange = one, found = found }
    end
  end
  return best, same
end

local function explain(best, live)
  local found = best.found
  local words = table.concat(found, "; ", 1, math.min(#found, SHOWN_DIFFERENCES))
  if #found > SHOWN_DIFFERENCES then
    words = ("%s; and %d more"):format(words, #found - SHOWN_DIFFERENCES)
  end
  local wanted = best.exchange.request
  local same = wanted.method == live.method and wanted.url == live.url
  return ("the nearest that it has, number %s%s, differs: %s"):format(best.exchange.n or "?",
    same and "" or (" (%s %s)"):format(wanted.method, wanted.url), words)
end

---Raises kind `http` about a request that the tape does not know.
---@param tape table
---@param live table
function replay.unknown(tape, live)
  local best, same = nearest(tape, live)
  local message
  if same > 0 then
    message = ("the tape '%s' has %s %s only %s, and that has been used"):format(tape.shown,
      live.method, live.url, count_of(same))
  else
    message = ("the tape '%s' does not know %s %s; %s"):format(tape.shown, live.method,
      live.url, best and explain(best, live) or "it has no request at all")
  end
  local close = best and same == 0 and best.exchange or nil
  errors.throw(errors.make { kind = "http", url = live.url, method = live.method,
    tape = tape.path, message = message .. '. To record it: mode "new" (--tape-mode new)',
    retryable = false,
    nearest = close and { n = close.n, method = close.request.method, url = close.request.url,
      differences = table.move(best.found, 1, #best.found, 1, {}) } or nil })
end

--- ---- what it answers ----

--- Calls wait until so many recorded seconds have gone by, faster by `speed`.
local function pace(speed)
  local started = clock.now()
  return function(seconds)
    local left = seconds and started + seconds / speed - clock.now() or 0
    if left > 0 then clock.sleep(left) end
  end
end

local function fail(exchange)
  local err = {}
  for key, value in next, exchange.error do err[key] = value end
  errors.throw(errors.make(err))
end

--- It was cancelled when it was recorded: now, too, only a cancellation ends it.
local function hang(exchange)
  park.new(("the answer to %s %s, which was cancelled when it was recorded")
    :format(exchange.request.method, exchange.request.url)):wait()
end

--- What comes after the last piece.
local function finish(exchange)
  if exchange.error then fail(exchange) end
  if exchange.ended == "cancelled" then hang(exchange) end
  if exchange.ended == "closed" then
    local wanted = exchange.request
    errors.throw(errors.make { kind = "http", url = wanted.url, method = wanted.method,
      message = ("%s %s: the tape has no more of this answer: it was closed here when it "
        .. "was recorded"):format(wanted.method, wanted.url) })
  end
end

local function open_file(tape, name)
  local path = file.bodies(tape.path) .. "/" .. name
  if name:find "[/\\]" then
    errors.throw(errors.make { kind = "http", path = tape.path, message =
      ("the tape '%s' names a body outside of its folder: %s"):format(tape.shown, name) })
  end
  local handle = io.open(path, "rb")
  if handle then return handle end
  errors.throw(errors.make { kind = "os", code = "ENOENT", path = path, message =
    ("the tape '%s' has lost a body that was too large for it: %s"):format(tape.shown, path) })
end

--- A body in a file of its own: what gives its pieces, and what closes it.
local function from_file(tape, exchange)
  local handle = open_file(tape, exchange.response.file)
  local function close()
    if handle then handle:close() end
    handle = nil
  end
  return function()
    local bytes = handle and handle:read(PIECE)
    if bytes then return bytes, exchange.elapsed end
    close()
  end, exchange.response.size, close
end

--- The pieces of a body, each with its time, and the bytes that they are together.
local function source(tape, exchange)
  local response = exchange.response
  if response.file then return from_file(tape, exchange) end
  local chunks = response.chunks
  if not chunks then
    local bytes = body.decode(response, exchange.raw) or ""
    local left = bytes ~= "" and bytes or nil
    return function()
      local piece = left
      left = nil
      return piece, exchange.elapsed
    end, #bytes
  end
  local i, list, sum = 0, {}, 0
  for k, chunk in ipairs(chunks) do
    list[k] = body.decode(chunk) or ""
    sum = sum + #list[k]
  end
  return function()
    i = i + 1
    return list[i], chunks[i] and chunks[i].at
  end, sum
end

---@async
---@param tape table
---@param exchange table
---@param raw table the live request
---@return orch.http.Canned
function replay.answer(tape, exchange, raw)
  local wait_until = pace(tape.speed)
  local response = exchange.response
  if not response then
    wait_until(exchange.elapsed)
    finish(exchange)
    errors.throw(errors.make { kind = "http", path = tape.path, message =
      ("the tape '%s' has no answer in number %s"):format(tape.shown, exchange.n) })
  end
  local head = response.head
  if not head or #head == 0 then head = { ("HTTP/1.1 %d"):format(response.status) } end
  local next_piece, size, close = source(tape, exchange)
  return {
    status = response.status, head = table.concat(head, "\r\n") .. "\r\n\r\n",
    http_version = head[1]:match "^HTTP/(%S+)", url = raw.url, elapsed = exchange.elapsed,
    redirect_url = response.redirect_url, expected = size, close = close,
    meter = raw.meter, jar = raw.jar, sent = type(raw.body) == "string" and #raw.body or nil,
    before = function() wait_until(response.head_at or exchange.elapsed) end,
    next = function()
      local bytes, at = next_piece()
      if not bytes then return finish(exchange) end
      wait_until(at)
      return bytes
    end,
  }
end

return replay
