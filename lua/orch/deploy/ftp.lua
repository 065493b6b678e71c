--- Files and folders to an FTP server: `ftp://`, `ftps://` (TLS from the start), and `ftp://` with
--- `use_tls = true` (TLS on request). Only what has changed goes over, on several connections.
---
---     orch.deploy.ftp.upload { folder = "out/web", url = "ftp://web.studio.lan/game/",
---       user = "ann", password = secrets.FTP_PASSWORD, use_tls = true, delete = true }
---
--- Paths in a URL count from the folder of the login; `ftp://host//srv` counts from the root.
--- Errors have the server's own words ("550 Permission denied."): kinds `auth`, `rejected`
--- (`full` is true where its disk is), `changed`, `network`, `timeout`, `tls`.

local upload = require "orch.deploy.remote.upload"

local ftp = {}

local schemes = { ftp = true, ftps = true }

---@class orch.deploy.remote.Options: orch.deploy.Options
---@field url string of the folder, "ftp://host/dir/"; of a `file` also with its new name
---@field folder orch.Path? instead of `file`
---@field user string? also in the URL, where it is less safe; FTP: anonymous by default
---@field password string?
---@field connections integer? how many at the same time, 4
---@field changed "manifest"|"size_and_date"|"all"|nil how it is found out what must be sent: by
---  `.orch-manifest.json`, which an upload leaves there (default; by size and date where there is
---  none), by size and date of listings alone, or not at all
---@field delete boolean? removes at the other end what is not in the folder; what `include` and
---  `exclude` leave out stays
---@field switch boolean? sends the whole folder beside the one that is there and exchanges the two
---  by renaming; not when nothing has changed
---@field include string|string[]|nil patterns as in `fs.glob`, relative to the folder
---@field exclude string|string[]|nil

---@class orch.deploy.ftp.Options: orch.deploy.remote.Options
---@field use_tls boolean? encrypts the connection of an ftp:// URL, or fails

---@class orch.deploy.remote.Result: orch.deploy.Result
---@field url string
---@field files integer? of a folder: all of it
---@field sent integer? files that this call has sent
---@field kept integer? files that were there already
---@field deleted integer? files that are not here
---@field switched boolean?

---@class orch.deploy.remote.Status
---@field exists boolean the file or the folder is there
---@field same boolean nothing would be sent
---@field url string
---@field send string[] names of what would be sent
---@field bytes integer of it
---@field size integer? of the file that is there
---@field modified integer? when, in seconds since 1970
---@field files integer? of a folder: all
---@field kept integer? those that are there already
---@field remove string[]? those that `delete` would remove

---Uploads a file or a folder. Each file arrives under another name and is renamed when it is
---whole; one that broke off is continued.
---@async
---@param opts orch.deploy.ftp.Options
---@return orch.deploy.remote.Result result raises as the module says, and `os`, `usage`
function ftp.upload(opts) return upload.run("deploy.ftp.upload", opts, schemes) end

---What an upload with these options would have to do.
---@async
---@param opts orch.deploy.ftp.Options
---@return orch.deploy.remote.Status status
function ftp.status(opts) return upload.status("deploy.ftp.status", opts, schemes) end

---Whether all of it is there, so that an upload would send nothing.
---@async
---@param opts orch.deploy.ftp.Options
---@return boolean
function ftp.exists(opts) return upload.status("deploy.ftp.exists", opts, schemes).same end

return ftp
