--- The lines of a file of known hosts that are for one server, and why its key was not accepted.
---
--- libcurl (7.88) asks the server for the one type of key that the first line has, and takes the
--- first of all hashed lines for one of this server's: it gets a file in which only the lines of
--- the server are, the types that libssh2 and today's servers have in common first.
---
---     known_host.lines("[a.lan]:2222 ssh-ed25519 AAAA\n", "a.lan", 2222)
---       -- { { type = "ssh-ed25519", key = "AAAA" } }

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

local function is_named(patterns, host, port)
  local names = names_of(host, port)
  for pattern in patterns:gmatch "[^,]+" do
    for _, name in ipairs(names) do
      if pattern:lower() == name:lower() or is_hashed(pattern, name) then return true end
    end
  end
  return false
end

local order = { ["ssh-ed25519"] = 1, ["ecdsa-sha2-nistp256"] = 2, ["ecdsa-sha2-nistp384"] = 3,
  ["ecdsa-sha2-nistp521"] = 4, ["ssh-rsa"] = 5 }

---The keys that a file of known hosts has for a server, without those that it revokes.
---@param text string
---@param host string
---@param port integer
---@return {type: string, key: string}[] lines those first that are to be asked for first
function known_host.lines(text, host, port)
  local lines, revoked = {}, {}
  for line in text:gmatch "[^\r\n]+" do
    local mark, rest = line:match "^%s*(@%S+)%s+(.*)$"
    local patterns, kind, key = (rest or line):match "^%s*([^#%s]%S*)%s+(%S+)%s+(%S+)"
    if patterns and is_named(patterns, host, port) then
      if mark == "@revoked" then revoked[key] = true end
      if not mark then lines[#lines + 1] = { type = kind, key = key, at = #lines } end
    end
  end
  for i = #lines, 1, -1 do
    if revoked[lines[i].key] then table.remove(lines, i) end
  end
  table.sort(lines, function(a, b)
    local first, second = order[a.type] or 9, order[b.type] or 9
    if first ~= second then return first < second end
    return a.at < b.at
  end)
  return lines
end

---What libcurl is to read.
---@param lines {type: string, key: string}[]
---@param host string
---@param port integer
---@return string text
function known_host.text(lines, host, port)
  local all = {}
  for i, line in ipairs(lines) do
    all[i] = ("%s %s %s\n"):format(names_of(host, port)[1], line.type, line.key)
  end
  return table.concat(all)
end

---A file for libcurl with only the lines of a server; one that is not there has none.
---@async
---@param path string of the file of known hosts
---@param host string
---@param port integer
---@return string path to be removed after use
function known_host.file(path, host, port)
  local fs = require "orch.fs"
  local ok, text = pcall(fs.read, path)
  local own = fs.temp_file { prefix = "orch-known-" }
  local lines = known_host.lines(ok and text or "", host, port)
  fs.write(own, known_host.text(lines, host, port), { sync = false })
  return own
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
  local lines = ok and known_host.lines(text, host, port) or {}
  if lines[1] and lines[1].type == "ssh-rsa" then
    return ("%s has only a key of type RSA for it, which libssh2 1.10 cannot use with today's servers")
      :format(path), ("to add the others: %s >> %s"):format(scan, path)
  end
  if lines[1] then
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
