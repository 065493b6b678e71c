--- The sentence for a request that failed below HTTP.
---
---     "GET http://127.0.0.1:9/: cannot connect to 127.0.0.1:9: connection refused"

local errors = require "orch.core.error"
local url = require "orch.http.url"

local wire_failure = {}

local doing = {
  resolving = "looking up the host", connecting = "connecting",
  handshake = "in the TLS handshake", sending = "sending the request",
  waiting = "waiting for the answer", receiving = "receiving the answer",
}

local function seconds(value)
  if value < 1 then return ("%d ms"):format(math.floor(value * 1000 + 0.5)) end
  return ("%.3g s"):format(value)
end

local function how_far(received, expected)
  if expected then return (" after %d of %d bytes"):format(received, expected) end
  return received > 0 and (" after %d bytes"):format(received) or ""
end

local function explain(kind, detail, phase, received, expected, elapsed, system)
  local far = phase == "receiving" and how_far(received, expected) or ""
  if kind == "timeout" then
    return ("timed out after %s while %s%s"):format(seconds(elapsed), doing[phase], far)
  elseif kind == "network" and phase == "connecting" and system then
    local where = detail:match("^Failed to connect to (.-) after") or "the server"
    return ("cannot connect to %s: %s"):format((where:gsub(" port ", ":")), system)
  end
  return detail:gsub("^%u%l", string.lower):gsub("[.%s]+$", "") .. far
end

---Raises it: what the C client calls.
---@param kind "network"|"tls"|"http"|"timeout"|"os"
---@param method string
---@param target string the URL
---@param detail string libcurl's words
---@param phase "resolving"|"connecting"|"handshake"|"sending"|"waiting"|"receiving"
---@param received integer bytes of the body
---@param expected integer? bytes, as the server said
---@param sent integer bytes of the body
---@param elapsed number seconds
---@param status integer? of the answer, when there was a head
---@param system string? the system's words
function wire_failure.raise(kind, method, target, detail, phase, received, expected, sent,
                            elapsed, status, system)
  local shown = url.shown(target)
  errors.throw(errors.make {
    kind = kind, method = method, url = shown, detail = detail, phase = phase,
    received = received, expected = expected, sent = sent, elapsed = elapsed, status = status,
    message = ("%s %s: %s"):format(method, shown,
      explain(kind, detail, phase, received, expected, elapsed, system)),
  })
end

return wire_failure
