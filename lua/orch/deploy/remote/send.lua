--- One file: under a name that tells what it is the beginning of, and renamed when it is whole.
--- What a broken-off attempt has left there is continued.
---
---     local resumed = send.file(run, file, {})

local errors = require "orch.core.error"
local failures = require "orch.deploy.failure"
local folders = require "orch.deploy.folder"
local hash = require "orch.hash"
local may_fail = require("orch.deploy.remote.command").may_fail
local trees = require "orch.deploy.remote.tree"

local send = {}

--- From so many bytes on a file is looked at before it is renamed, and its beginning is worth
--- to be continued.
local LARGE <const> = 1 << 20
local PROBE <const> = 64 << 10

send.LARGE = LARGE

---The name of a file until all of it has arrived: another one for another state of the file.
---@param file {name: string, size: integer, mtime: number}
---@return string name
function send.part_name(file)
  if file.part_name then return file.part_name end
  local folder = trees.split(file.name)
  local mark = hash.sha256(("%s\0%d\0%a"):format(file.name, file.size, file.mtime)):sub(1, 16)
  file.part_name = (folder == "" and "" or folder .. "/") .. ".orch-" .. mark .. ".part"
  return file.part_name
end

--- Then the file that is there must not be removed for it.
local function is_lost(session, name)
  errors.throw(errors.make { kind = "network", service = session.service,
    message = ("%s: what was sent of '%s' is not there any more: is somebody else uploading?; it "
      .. "is sent again"):format(session.service, name) })
end

--- OpenSSH does not rename over a file, some FTP servers neither: then it is removed first, and
--- for a moment there is none of that name.
local function rename(session, from, to, is_there)
  local own, at = session.command, session.at
  local commands = own.rename(at:path(from), at:path(to))
  local what = ("rename '%s' to '%s'"):format(from, to)
  if not (is_there and session.service == "sftp") then
    local ok, err = pcall(session.run, session, what, commands)
    if ok then return end
    if not errors.is(err) or err.kind ~= "rejected" or not session:look(to) then error(err, 0) end
  end
  if not session:look(from) then is_lost(session, to) end
  local all = may_fail(own.remove(at:path(to)))
  session:run(what, table.move(commands, 1, #commands, #all + 1, all))
end

--- What follows the transfer on the same connection.
local function renaming(session, from, to, is_there)
  local own, at = session.command, session.at
  local all = own.rename(at:path(from), at:path(to))
  if not (is_there and session.service == "sftp") then return all end
  return table.move(all, 1, #all, 2, may_fail(own.remove(at:path(to))))
end

--- Of libcurl: it broke off while data went over (PARTIAL_FILE, SEND_ERROR, RECV_ERROR), or
--- SFTP said no to a part of it (SSH).
local in_the_middle = { [18] = true, [55] = true, [56] = true, [79] = true }

--- libcurl does not hear what an FTP server says when it stops taking a file, nor what SFTP's
--- status was: a small file, or the free space, tells whether the disk is full.
local function explain(session, file, err)
  local cause = errors.is(err) and errors.is(err.cause) and err.cause
  if not cause or err.full or not in_the_middle[cause.curl_code] then return err end
  local room = session:room("")
  if room and room < file.size then
    local ok, full = pcall(failures.throw, session.service, { kind = "rejected",
      full = true, cause = err, what = ("send '%s'"):format(file.name),
      words = ("%s: %d bytes are free there, the file has %d"):format(
        errors.is(err.cause) and err.words or "it stopped taking the file", room, file.size),
      hint = "make room on the server's disk" })
    return not ok and full or err
  end
  if room or session.service ~= "ftp" then return err end
  local probe = trees.split(file.name)
  probe = (probe == "" and "" or probe .. "/") .. ".orch-probe"
  local ok, said = pcall(session.once, session, ("send '%s'"):format(file.name), {
    method = "PUT", url = session.at:url(probe), body = ("\0"):rep(PROBE) })
  pcall(session.again, session, function()
    session:run("remove a probe", may_fail(session.command.remove(session.at:path(probe))))
  end)
  return not ok and errors.is(said) and said.full and said or err
end

--- How much of it there is; more than there should be is of something else.
local function size_of_part(session, name, file)
  local there = session:look(name)
  local size = there and there.size or 0
  return size <= file.size and size or 0
end

--- Of libcurl: all of the file has arrived, a command behind it failed.
local QUOTE_ERROR <const> = 21

local function put(run, file, url, from, commands, meter)
  local ok, err = pcall(run.session.once, run.session,("send '%s'"):format(file.name), {
    method = "PUT", url = url, meter = meter,
    body = { { path = file.path, offset = 0, size = file.size } },
    settings = { resume_from = from > 0 and from or nil, postquote = commands },
  })
  if ok then return true end
  if commands and errors.is(err) and errors.is(err.cause) and err.cause.curl_code == QUOTE_ERROR
  then
    return false
  end
  error(err, 0)
end

--- One attempt; the bytes that it found there.
local function attempt(run, file, part, from, meter)
  local session = run.session
  local large = file.size >= LARGE or from > 0
  meter.base = from
  if from < file.size or file.size == 0 then
    local renamed = put(run, file, session.at:url(part), from,
      not large and renaming(session, part, file.name, file.there) or nil, meter)
    if not large and renamed then return end
  end
  folders.check(run.fname, file)
  if from > 0 and size_of_part(session, part, file) ~= file.size then
    session:run(("remove '%s'"):format(part), session.command.remove(session.at:path(part)))
    errors.throw(errors.make { kind = "network", service = session.service,
      message = ("%s: '%s' was continued and is not as long as it should be; it is sent again")
        :format(session.service, file.name) })
  end
  rename(session, part, file.name, file.there)
end

---Sends a file, in several attempts where it must be.
---@async
---@param run table `session`, `o`, `fname`
---@param file orch.deploy.FolderFile with `part`: bytes of it that are there under the other
---  name, and `there`: whether its own name is taken
---@param meter table gets `exchange` and `base`, for progress
---@return integer bytes that were there already
function send.file(run, file, meter)
  local session, part = run.session, send.part_name(file)
  local from, resumed = run.o.resume and file.part or 0, nil
  local ok, err = pcall(session.again, session, function(n)
    if n > 1 then from = run.o.resume and size_of_part(session, part, file) or 0 end
    resumed = resumed or from
    attempt(run, file, part, from, meter)
  end)
  if ok then return resumed end
  error(explain(session, file, err), 0)
end

---A file of a switch, which nobody sees yet: under its own name at once.
---@async
function send.plain(run, file, meter)
  run.session:again(function()
    meter.base = 0
    put(run, file, run.session.at:url(file.name), 0, nil, meter)
  end)
end

---A small text.
---@async
---@param session orch.deploy.remote.Session
---@param name string
---@param text string
function send.text(session, name, text)
  local part = name .. ".part"
  session:again(function()
    session:once("write to " .. session.at.shown, { method = "PUT", url = session.at:url(part),
      body = text })
    rename(session, part, name, true)
  end)
end

return send
