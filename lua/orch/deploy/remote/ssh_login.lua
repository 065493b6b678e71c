--- How SFTP logs in: the keys, and the server's own key; and what may be wrong with a key that
--- was not taken.

local arg = require "orch.arg"
local known_host = require "orch.http.known_host"
local place = require "orch.place"

local ssh_login = {}

--- A shell would have done that with "~/".
local function resolved(path)
  return place.resolve((path:gsub("^~/", (place.getenv "HOME" or "~") .. "/")))
end

---@async
---@param fname string
---@param at orch.deploy.remote.Address
---@param o table checked options
---@param set table<string, any> gets the settings of the wire
---@return string? path the user's file of known hosts; nil where any key will do
function ssh_login.set(fname, at, o, set)
  for _, name in ipairs { "ssh_key", "ssh_public_key" } do
    if o[name] then
      set[name] = resolved(o[name])
      if not require("orch.fs").exists(set[name]) then
        arg.fail("%s: option `%s`: there is no file '%s'", fname, name, o[name])
      end
    end
  end
  set.key_password = o.key_password
  local known = not set.insecure and (o.known_hosts and resolved(o.known_hosts)
    or (place.getenv "HOME" or "") .. "/.ssh/known_hosts") or nil
  set.known_hosts = known and known_host.file(known, at.host, at.port)
  set.insecure = nil
  return known
end

--- What may be wrong with a key that was not taken.
local function trouble_with_key(path, password)
  local ok, text = pcall(require("orch.fs").read, path)
  if not ok then return "; it cannot be read" end
  if not text:find "PRIVATE KEY" then return "; there is no private key in that file" end
  local decoded, bytes = pcall(require("orch.hash").unbase64,
    (text:gsub("%-%-%-%-%-[^\n]*", ""):gsub("%s", "")))
  bytes = decoded and bytes or ""
  if text:find "BEGIN RSA" or bytes:find("ssh-rsa", 1, true) then
    return "; libssh2 1.10 signs with RSA keys in a way that today's servers refuse: make a key of "
      .. "type ed25519"
  end
  if text:find "ENCRYPTED" or bytes:find("bcrypt", 1, true) then
    return password and "; it is encrypted, perhaps with another `key_password`"
      or "; it is encrypted: give its `key_password`"
  end
  return ""
end

---@async
---@param set table<string, any>
---@return string
function ssh_login.explain(set)
  return ("the user is '%s', %s%s"):format(set.user,
    set.ssh_key and "the key " .. set.ssh_key or "no `ssh_key` was given",
    set.password and ", and there was a password" or "")
    .. (set.ssh_key and trouble_with_key(set.ssh_key, set.key_password) or "")
end

return ssh_login
