--- A file to a server, over HTTP(S), FTP(S) or SFTP, of any size in constant memory.
---
---     http.upload("game.zip", "https://host/builds/game.zip", { bearer = token })
---     http.upload("game.zip", "sftp://ann@host/in/", { resume = true })

local arg = require "orch.arg"
local body = require "orch.http.body"
local options = require "orch.http.options"
local paths = require "orch.fs.path"
local place = require "orch.place"
local request = require "orch.http.request"
local urls = require "orch.http.url"

local upload = {}

upload.spec = options.with {
  method = "string", resume = "boolean", create_dirs = "boolean", use_tls = "boolean",
  known_hosts = "path", ssh_key = "path", cookies = "table",
  progress = "boolean|string|table|callable",
}

local schemes = { http = true, https = true, ftp = true, ftps = true, sftp = true }
local files_only = { "resume", "create_dirs", "use_tls", "known_hosts", "ssh_key" }

--- "…/in/" is a folder: the file keeps its name there.
local function full_url(target, path)
  if type(target) ~= "string" then return target end
  local before, after = target:match "^([^?#]*)(.*)$"
  if before:sub(-1) ~= "/" then return target end
  return before .. urls.encode(paths.basename(path)) .. after
end

local function check_http(fname, job, o)
  for _, name in ipairs(files_only) do
    if o[name] then
      arg.fail("%s: option `%s` is for ftp://, ftps:// and sftp:// only%s", fname, name,
        name == "resume" and ": HTTP has no way to continue an upload" or "")
    end
  end
  local method = (o.method or "PUT"):upper()
  if method ~= "PUT" and method ~= "POST" and method ~= "PATCH" then
    arg.fail("%s: option `method` should be PUT, POST or PATCH, not %q", fname, o.method)
  end
  job.request.method = method
  job.request.rewindable = options.idempotent[method] or false
end

--- What is known of a server's key, unless it does not matter; a file of our own.
local function known_hosts(o, url)
  if not o.known_hosts and o.insecure then return nil end
  local path = o.known_hosts and place.resolve(o.known_hosts)
    or (place.getenv "HOME" or "") .. "/.ssh/known_hosts"
  local _, _, host = urls.split(url)
  local port = host:match ":(%d+)$"
  host = host:gsub(":%d+$", ""):gsub("^%[(.*)%]$", "%1")
  return require("orch.http.known_host").file(path, host, math.tointeger(port) or 22)
end

local function set_file_transfer(fname, job, o, scheme)
  if o.method then arg.fail("%s: option `method` is for HTTP only", fname) end
  local settings = { protocols = "ftp,ftps,sftp" }
  for key, value in next, job.request.settings do settings[key] = value end
  settings.compressed = nil
  if o.resume then settings.resume_from = -1 end -- from where the server's file ends
  if o.create_dirs then settings.create_dirs = true end
  if o.use_tls then settings.use_tls = true end
  if scheme == "sftp" then
    settings.insecure = nil
    settings.known_hosts = known_hosts(o, job.request.url)
    settings.ssh_key = o.ssh_key and place.resolve(o.ssh_key)
  end
  job.request.settings, job.request.headers = settings, nil
  job.request.rewindable = true
  job.follow = 0
end

---@async
---@return orch.http.Response
function upload.run(fname, path, target, opts, client)
  if type(path) == "string" and path:find "^%a[%w+.-]*://" then
    arg.fail("%s: the file comes first: %s(path, url)", fname, fname)
  end
  local segment = body.file(fname, path)
  target = full_url(target, path)
  local job, o = options.read(fname, "PUT", target, opts, client, upload.spec, schemes)
  local scheme = urls.split(job.request.url)
  job.request.body = { segment }
  if scheme == "http" or scheme == "https" then
    check_http(fname, job, o)
    local headers = job.request.headers or {}
    local has_type = false
    for _, line in ipairs(headers) do
      has_type = has_type or line:lower():find "^content%-type[:;]" ~= nil
    end
    if not has_type then
      headers = table.move(headers, 1, #headers, 1, {})
      headers[#headers + 1] = "Content-Type: application/octet-stream"
      job.request.headers = headers
    end
  else
    set_file_transfer(fname, job, o, scheme)
  end
  local own <const> = job.request.settings.known_hosts
  local _ <close> = own and setmetatable({}, { __close = function()
    require("orch.core.remove").remove_now(own)
  end }) or nil
  local response = request.run(job)
  if scheme ~= "http" and scheme ~= "https" then response.ok = true end
  return response
end

return upload
