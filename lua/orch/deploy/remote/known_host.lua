--- Why the key of an SSH server was not accepted, and what to do about it: it is in no line of
--- the file of known hosts, or the line has another key.

local known_host = {}

local function names_of(host, port)
  if port == 22 then return { host } end
  return { ("[%s]:%d"):format(host, port), host }
end

--- "|1|salt|hash": the name is not to be read from the file.
local function is_hashed(pattern, name)
  local salt, sum = pattern:match "^|1|([^|]+)|(.+)$"
  if not salt then return false end
  local hash = require "orch.hash"
  local ok, same = pcall(function()
    return hash.hmac("sha1", hash.unbase64(salt), name, { raw = true }) == hash.unbase64(sum)
  end)
  return ok and same
end

---Whether a file of known hosts has a line for a server.
---@param text string
---@param host string
---@param port integer
---@return boolean
function known_host.has(text, host, port)
  for line in text:gmatch "[^\r\n]+" do
    local patterns = line:match "^%s*@%S+%s+(%S+)" or line:match "^%s*([^#%s]%S*)%s"
    for pattern in (patterns or ""):gmatch "[^,]+" do
      for _, name in ipairs(names_of(host, port)) do
        if pattern == name or is_hashed(pattern, name) then return true end
      end
    end
  end
  return false
end

---@async
---@param path string of the file of known hosts
---@param host string
---@param port integer
---@return string words
---@return string hint
function known_host.explain(path, host, port)
  local ok, text = pcall(require("orch.fs").read, path)
  local scan = ("ssh-keyscan%s %s"):format(port == 22 and "" or " -p " .. port, host)
  if ok and known_host.has(text, host, port) then
    return ("the server shows another host key than the one in %s"):format(path),
      ("if it was installed anew, remove the old line (ssh-keygen -R '%s' -f %s) and add its new "
        .. "key; if not, somebody may be in between: do not go on"):format(
        names_of(host, port)[1], path)
  end
  return ("the host key of %s is not known: no line of %s is for it"):format(
    names_of(host, port)[1], path),
    ("to add it: %s >> %s, and compare what `%s | ssh-keygen -lf -` prints with the fingerprint "
      .. "that the server's administrator gives you"):format(scan, path, scan)
end

return known_host
