--- HTTP: requests, streams, files, and a local server. A request waits for its own task
--- only; all share one pool of connections.
---
---     local http = orch.http
---     local build = http.get("https://host/builds/7", { bearer = token }):json()
---
--- A status of 400 or more raises kind `status` with the answer on it. Other failures:
--- `network` (no connection, or one that broke), `tls`, `timeout`, `http` (a bad URL, a broken
--- answer, a redirect that is refused), `json`. Errors carry `url`, `method` and, where libcurl
--- spoke, `detail`, `phase`, `received`, `expected` and `elapsed`.

local arg = require "orch.arg"
local call = require("orch.http.request").call
local options = require "orch.http.options"

local http = {}

--- What requests and clients have in common.
---@class orch.http.SharedOptions
---@field headers table<string, string|number|string[]|false>? false takes a default away
---@field query table|string|nil values: text, numbers, booleans, lists; or a list of pairs
---@field auth string|{user: string, password: string, scheme: "basic"|"digest"|"any"|nil}|nil
---  "user:password"
---@field bearer string? a token
---@field timeout number|string? for one attempt, from its first hop to the end of the body
---@field connect_timeout number|string?
---@field stall number|string? kind `timeout` when nothing moves for so long; whole seconds
---@field retry boolean|orch.http.RetryOptions|nil
---@field follow boolean|integer|nil redirects: true (at most 20), false or a number
---@field check boolean? false: a status of 400 or more is returned, not raised
---@field limit number|string? what a body may take in memory; kind `http` beyond
---@field ca string? a file of certificates to trust
---@field cert string? our own certificate (PEM)
---@field key string? its key
---@field key_password string?
---@field insecure boolean? true: nobody checks who the server is
---@field proxy string|false|nil "http://host:port"; false: none, whatever the environment says
---@field no_proxy string? hosts, separated by commas
---@field netrc boolean|string|nil credentials from ~/.netrc, or from a file
---@field unix_socket string? a path; the URL's host is only sent
---@field http_version string|number|nil "1.0", "1.1", "2", "2-prior-knowledge"
---@field compressed boolean? default true
---@field secret_headers string[]? further headers that a redirect must not take elsewhere
---@field rate_limiter orch.RateLimiter|{rate: number, per: number|string?, burst: number?}|nil
---@field resolve string[]? "host:port:address", instead of asking DNS

---@class orch.http.Options: orch.http.SharedOptions
---@field json any a body; at most one of these four
---@field form table? as in `query`
---@field multipart table? name = text, { path =, filename =, type = } or a list of these
---@field body string|{path: string, offset: integer?, length: integer?}|(fun(): string?)|nil a
---  file or a part of one (bytes); a function gives the next piece or nil
---@field cookies table<string, string>? for this request
---@field progress boolean|string|orch.Progress|fun(done: integer, total: integer?, details: orch.http.Progress)|nil
---  a bar, its label, a bar of one's own, or a function that is called at most ten times a
---  second and once at the end

--- As `orch.retry`, and what follows.
---@class orch.http.RetryOptions
---@field attempts integer? 5
---@field base number|string? 0.5 seconds
---@field factor number? 2
---@field cap number|string? 30 seconds
---@field jitter "full"|"equal"|"none"|nil
---@field timeout number|string? for an attempt
---@field max_elapsed number|string? for all of them
---@field methods string[]? what may be sent twice; by default GET, HEAD, PUT, DELETE, OPTIONS, TRACE
---@field retry_on (string|integer)[]|fun(err: orch.Error): boolean|nil by default: network,
---  timeout, a broken answer, 408, 425, 429 and 5xx
---@field retry_after_cap number|string? the longest wait that a server's
---  Retry-After can ask for; `cap`, or 2 minutes
---@field on_retry fun(err: orch.Error, attempt: integer, delay: number)?

for name, method in next, { post = "POST", put = "PUT", patch = "PATCH", delete = "DELETE",
  head = "HEAD" } do
  local fname = "http." .. name
  http[name] = function(url, opts) return call(fname, method, url, opts) end
end

---Asks for a page.
---@async
---@param url string
---@param opts orch.http.Options?
---@return orch.http.Response response raises `status`, `network`, `tls`, `timeout`, `http`
function http.get(url, opts)
  return call("http.get", "GET", url, opts)
end

---@type async fun(url: string, opts: orch.http.Options?): orch.http.Response
http.post = http.post
---@type async fun(url: string, opts: orch.http.Options?): orch.http.Response
http.put = http.put
---@type async fun(url: string, opts: orch.http.Options?): orch.http.Response
http.patch = http.patch
---@type async fun(url: string, opts: orch.http.Options?): orch.http.Response
http.delete = http.delete
---@type async fun(url: string, opts: orch.http.Options?): orch.http.Response
http.head = http.head

---Any method.
---@async
---@param method string
---@param url string
---@param opts orch.http.Options?
---@return orch.http.Response response raises as `get` does
function http.request(method, url, opts)
  return call("http.request", options.method("http.request", method), url, opts)
end

---An answer that is read piece by piece, however long it is: the server waits for a script
---that is slow. `timeout` covers the reading as well; for what has no end, use `stall`.
---`local s <close> = http.stream("GET", url)`
---@async
---@param method string
---@param url string
---@param opts orch.http.Options? without `progress`
---@return orch.http.Stream stream `chunks`, `lines`, `events`; raises as `get` does
function http.stream(method, url, opts)
  method = options.method("http.stream", method)
  return require("orch.http.stream").open("http.stream", method, url, opts)
end

---@class orch.http.DownloadOptions: orch.http.SharedOptions
---@field resume boolean? true: what a failed or cancelled call leaves (PATH.part and
---  PATH.part.json) is continued by the next one, if the file on the server is the same
---@field hash string? "sha256:..." (md5, sha1, sha512): kind `http` when it differs
---@field sync boolean? default true: it is on the disk at the return
---@field progress boolean|string|orch.Progress|fun(done: integer, total: integer?, details: orch.http.Progress)|nil

---A file of any size. It is written beside its target and takes its place when it is whole
---and its hash is right; otherwise nothing changes.
---@async
---@param url string
---@param path orch.Path of the file; one that is there is replaced
---@param opts orch.http.DownloadOptions?
---@return orch.http.Download result raises as `get` does, and `os`
function http.download(url, path, opts)
  return require("orch.http.download").run("http.download", url, path, opts)
end

---@class orch.http.UploadOptions: orch.http.SharedOptions
---@field method "PUT"|"POST"|"PATCH"|nil PUT by default
---@field resume boolean? FTP and SFTP: goes on where the server's file ends
---@field create_dirs boolean? FTP and SFTP: makes missing folders
---@field use_tls boolean? ftp:// with TLS
---@field known_hosts string? SFTP: by default ~/.ssh/known_hosts
---@field ssh_key string? SFTP: a private key
---@field progress boolean|string|orch.Progress|fun(done: integer, total: integer?, details: orch.http.Progress)|nil

---Sends a file of any size over HTTP(S), FTP(S) or SFTP. A URL that ends with a slash gets the
---file's name.
---@async
---@param path orch.Path
---@param url string
---@param opts orch.http.UploadOptions?
---@return orch.http.Response response raises as `get` does, and `os`
function http.upload(path, url, opts)
  return require("orch.http.upload").run("http.upload", path, url, opts)
end

---Defaults for many requests, and their cookies: `api:get(path)` and so on. A path is put
---below `base_url`, whatever slashes they have; a whole URL stands for itself and, on another
---host, gets no credentials.
---@param opts orch.http.ClientOptions?
---@return orch.http.Client
function http.client(opts)
  return require "orch.http.client"(opts)
end

---@class orch.http.ServeOptions
---@field port integer? 0 (default) takes a free one
---@field host string? an IP address; "127.0.0.1" (default) serves this machine only
---@field limit number|string? the largest body of a request, "16M"; beyond it: 413
---@field grace number|string? for handlers when it is closed, by default the run's
---@field idle number|string? how long a connection may do nothing while no handler works, "60s"
---@field on_error (fun(err: orch.Error, request: orch.Request))? instead of telling it
---@field cert orch.Path? PEM file, for https
---@field key orch.Path? PEM file

---A local server: `local server <close> = http.serve({ port = 0 }, function(request) ... end)`.
---@async
---@param opts orch.http.ServeOptions?
---@param handler async fun(request: orch.Request): orch.Answer|string|integer|nil
---@return orch.Server server `<close>`-able; raises kind `os` where it cannot listen
function http.serve(opts, handler)
  return require "orch.http.serve"(opts, handler)
end

---Records the exchanges of a block in a file, or answers them from there; `<close>`-able.
---@async
---@param path orch.Path
---@param opts? {mode: "once"|"none"|"new"|"all"|nil, redact: table?, headers: string[]?, limit: number|string?, speed: number?}
---  as in `orch.http.tape`, the module
---@return orch.http.Tape
function http.tape(path, opts)
  return require "orch.http.tape"(path, opts)
end

return arg.public("orch.http", http)
