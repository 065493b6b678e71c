--- The sentence for a request that failed below HTTP.
---
---     "GET http://127.0.0.1:9/: cannot connect to 127.0.0.1:9: connection refused"

local errors = require "orch.core.error"
local url = require "orch.http.url"

local wire_failure = {}

--- The parts of a URL as libcurl reads them: "127.1" is its "127.0.0.1". Set by the wire.
---@type fun(text: string): table?
wire_failure.parse = nil

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

--- libcurl's words, where there are clearer ones.
local words = {
  { "^Empty reply from server", "the server closed the connection before it answered" },
  { "^%a+ failure: Connection reset by peer", "the connection was reset" },
  { "^%a+ failure: Connection was reset", "the connection was reset" },
  { "^getpeername%(%) failed", "the connection was reset" },
  { "^Connection died, tried %d+ times", "the connection was closed again and again" },
  { "^transfer closed with", "the answer broke off" },
  { "^Received HTTP/0%.9", "what came is no HTTP answer" },
  { "^Unsupported HTTP version in", "what came is no HTTP answer" },
  { "^Too large response headers", "the header of the answer is over 300 KB" },
  { "wrong version number", "the server does not answer with TLS" },
  { "unexpected eof", "the connection was closed in the middle" },
  { "^Error while processing content unencoding: ", "the compressed body is broken: " },
  { "^Unrecognized content encoding", "the body is compressed in an unknown way" },
}

local function reworded(detail)
  for _, entry in ipairs(words) do
    local from, to = detail:find(entry[1])
    if from then
      return entry[2]:sub(-2) == ": " and entry[2] .. detail:sub(to + 1) or entry[2]
    end
  end
  local said = detail:match "SSL routines::([^,]*)" -- without OpenSSL's numbers
  if said then return "TLS: " .. said end
  return (detail:gsub("^%u%l+%f[%s]", string.lower):gsub("[.%s]+$", ""))
end

--- Who does not listen, when it is not the one whose URL it is.
local function who(target, detail, unix_socket)
  if unix_socket ~= "" then return "the socket " .. unix_socket end
  local where = detail:match "^Failed to connect to (.-) after"
  if not where then return "the server" end
  local host, port = where:match "^(.*) port (%d+)$"
  if not host then return where end
  host = host:find(":", 1, true) and "[" .. host .. "]" or host
  local place, own = host .. ":" .. port, wire_failure.parse(target) or {}
  local direct = host:lower() == (own.host or ""):lower()
    and url.origin(target):match ":(%d+)$" == port
  return direct and place or "the proxy " .. place
end

local function explain(kind, target, detail, phase, received, expected, elapsed, system, socket)
  local far = phase == "receiving" and how_far(received, expected) or ""
  if kind == "timeout" then
    return ("timed out after %s while %s%s"):format(seconds(elapsed), doing[phase], far)
  elseif kind == "network" and phase == "connecting" and system then
    return ("cannot connect to %s: %s"):format(who(target, detail, socket), system)
  end
  return reworded(detail) .. far
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
---@param socket string path of the unix socket, or ""
---@param code integer libcurl's, CURLE_...
---@param reply string? the last line of a server that speaks FTP or SMTP: "550 ..."
function wire_failure.raise(kind, method, target, detail, phase, received, expected, sent,
                            elapsed, status, system, socket, code, reply)
  local shown = url.shown(target)
  errors.throw(errors.make {
    kind = kind, method = method, url = shown, detail = detail, phase = phase,
    received = received, expected = expected, sent = sent, elapsed = elapsed, status = status,
    curl_code = code, reply = reply,
    message = ("%s %s: %s"):format(method, shown,
      explain(kind, target, detail, phase, received, expected, elapsed, system, socket)),
  })
end

return wire_failure
