--- The one table that an upload to a file server is given, and the session that it asks for.
---
---     local o, at, leaf = options.open("deploy.ftp.upload", opts, { ftp = true, ftps = true })
---     local session <close> = options.begin("deploy.ftp.upload", at, o)

local addresses = require "orch.deploy.remote.address"
local arg = require "orch.arg"
local common = require "orch.deploy.common"
local sessions = require "orch.deploy.remote.session"
local sync = require "orch.deploy.sync"

local options = {}

local spec = common.merged(sync.spec, sessions.spec, { changed = "string", switch = "boolean" })
local ways = { manifest = true, size_and_date = true, all = true }

local function read_options(fname, opts, schemes)
  local o = common.options(fname, opts, spec, { "url" })
  if o.base_url then arg.fail("%s: the server is in `url`; `base_url` is for stores", fname) end
  sync.check(fname, o, { "switch", "changed" })
  o.changed = o.changed or "manifest"
  if not ways[o.changed] then
    arg.fail('%s: option `changed` should be "manifest", "size_and_date" or "all", not %q', fname,
      o.changed)
  end
  for _, name in ipairs { "ssh_key", "ssh_public_key", "key_password", "known_hosts" } do
    if o[name] and not schemes.sftp then
      arg.fail("%s: option `%s` is for deploy.sftp", fname, name)
    end
  end
  if o.use_tls ~= nil and schemes.sftp then
    arg.fail("%s: option `use_tls` is for deploy.ftp; SFTP is encrypted anyway", fname)
  end
  return o
end

---@param fname string
---@param opts table
---@param schemes table<string, true>
---@return table o
---@return orch.deploy.remote.Address at of the folder
---@return string? leaf what a file is to be called
function options.open(fname, opts, schemes)
  local o = read_options(fname, opts, schemes)
  local at, leaf = addresses.read(fname, o.url, schemes)
  if o.folder and leaf then at.base = at:path(leaf) end
  if o.delete and not o.url:find "://[^/]+/" then
    arg.fail("%s: option `delete` needs a folder in `url`; '%s/' is everything that is there", fname,
      at.shown)
  end
  if o.switch and not at:parent() then
    arg.fail("%s: option `switch` needs a folder in `url` that can be renamed", fname)
  end
  return o, at, leaf
end

---Logs in.
---@async
---@return orch.deploy.remote.Session session `<close>`-able
function options.begin(fname, at, o)
  local session = sessions.open(fname, at, o)
  local ok, err = pcall(session.begin, session)
  if ok then return session end
  session:close()
  error(err, 0)
end

return options
