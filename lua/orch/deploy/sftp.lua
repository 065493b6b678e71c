--- Files and folders to an SFTP server, which is what OpenSSH has. Only what has changed goes
--- over, on several connections.
---
---     orch.deploy.sftp.upload { folder = "out/web", url = "sftp://web.studio.lan/srv/game/",
---       user = "deploy", ssh_key = "~/.ssh/deploy", switch = true }
---
--- Paths in a URL count from the root; `sftp://host/~/in` counts from the home. The server's key
--- must be in `known_hosts` (by default `~/.ssh/known_hosts`); the message says how to add one
--- that is not. Errors: kinds `auth`, `rejected` (`full` is true where its disk is),
--- `changed`, `tls` (the host key), `network`, `timeout`.

local upload = require "orch.deploy.remote.upload"

local sftp = {}

local schemes = { sftp = true }

---@class orch.deploy.sftp.Options: orch.deploy.remote.Options
---@field ssh_key orch.Path? a private key, without which those of `~/.ssh` and the agent are tried
---@field ssh_public_key orch.Path? only where it cannot be read from the private one
---@field key_password string? of the private key
---@field known_hosts orch.Path? default `~/.ssh/known_hosts`

---Uploads a file or a folder. Each file arrives under another name and is renamed when it is
---whole; one that broke off is continued.
---@async
---@param opts orch.deploy.sftp.Options
---@return orch.deploy.remote.Result result raises as the module says, and `os`, `usage`
function sftp.upload(opts) return upload.run("deploy.sftp.upload", opts, schemes) end

---What an upload with these options would have to do.
---@async
---@param opts orch.deploy.sftp.Options
---@return orch.deploy.remote.Status status
function sftp.status(opts) return upload.status("deploy.sftp.status", opts, schemes) end

---Whether all of it is there, so that an upload would send nothing.
---@async
---@param opts orch.deploy.sftp.Options
---@return boolean
function sftp.exists(opts) return upload.status("deploy.sftp.exists", opts, schemes).same end

return sftp
