--- Where the access key comes from: the options, the environment (AWS_ACCESS_KEY_ID, ...), or a
--- profile in ~/.aws/credentials; and what a profile says of the region.
---
---     local keys = keys.of("deploy.s3.upload", { profile = "studio" })

local arg = require "orch.arg"
local place = require "orch.place"
local secrets = require "orch.secrets"

local keys = {}

local BOM <const> = "^\xEF\xBB\xBF"

--- section -> { name = value } of a file in the format that AWS' tools share. What is indented
--- further than the setting above it belongs to that one ("s3 =", "services"), and is not ours.
local function read_profiles(path)
  local ok, text = pcall(require("orch.fs").read, path)
  if not ok then
    if text.kind == "os" and text.code == "ENOENT" then return {} end
    error(text, 0)
  end
  local sections, current, depth = {}, {}, math.huge
  for line in text:gsub(BOM, ""):gmatch "[^\r\n]+" do
    local section = line:match "^%s*%[%s*(.-)%s*%]"
    local indent, name, value = line:match "^(%s*)([%w_]+)%s*=%s*(.-)%s*$"
    if section then
      section = section:gsub("^profile%s+", ""):gsub('^"(.*)"$', "%1")
      current, depth = sections[section] or {}, math.huge
      sections[section] = current
    elseif name and #indent <= depth then
      current[name:lower()], depth = value:gsub("%s+[#;].*$", ""), #indent
    end
  end
  return sections
end

local function variable(name)
  local value = place.getenv(name)
  return value ~= "" and value or nil
end

local function file(name, usual)
  local home = place.getenv "HOME" or ""
  local named = variable(name)
  return named and named:gsub("^~/", home:gsub("%%", "%%%%") .. "/") or home .. "/.aws/" .. usual
end

local function profile_of(o) return o.profile or variable "AWS_PROFILE" end

local function settings_of(profile)
  return read_profiles(file("AWS_CONFIG_FILE", "config"))[profile] or {}
end

local indirect = { "credential_process", "sso_session", "sso_start_url", "role_arn",
  "web_identity_token_file" }

--- The profile has its key from elsewhere, which AWS' own program can fetch.
local function explain(fname, profile, path, settings)
  for _, name in ipairs(indirect) do
    if settings[name] then
      arg.fail("%s: the profile '%s' gets its key by `%s`, which is not known here; run it under "
        .. "`aws configure export-credentials --profile %s --format env`, or give access_key "
        .. "and secret_key", fname, profile, name, profile)
    end
  end
  arg.fail("%s: there is no key in the profile '%s' of %s", fname, profile, path)
end

local function from_profile(fname, profile, asked)
  local path = file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
  local settings = settings_of(profile)
  local found = read_profiles(path)[profile]
  if not (found and found.aws_access_key_id) then found = settings end
  if not found.aws_access_key_id or not found.aws_secret_access_key then
    if asked then explain(fname, profile, path, settings) end
    return nil
  end
  return { access_key = found.aws_access_key_id, secret_key = found.aws_secret_access_key,
    session_token = found.aws_session_token }
end

local function from_environment()
  local access, secret = variable "AWS_ACCESS_KEY_ID", variable "AWS_SECRET_ACCESS_KEY"
  if not access or not secret then return nil end
  return { access_key = access, secret_key = secret, session_token = variable "AWS_SESSION_TOKEN" }
end

local function from_options(fname, o)
  if not o.access_key and not o.secret_key then
    if not o.session_token then return nil end
    arg.fail("%s: the option `session_token` goes with `access_key` and `secret_key`", fname)
  end
  if not (o.access_key and o.secret_key) then
    arg.fail("%s: the options `access_key` and `secret_key` belong together", fname)
  end
  return { access_key = o.access_key, secret_key = o.secret_key, session_token = o.session_token }
end

local function check(fname, name, value)
  if value == "" or value:find "[%c%s]" then
    arg.fail("%s: the %s %s; is it complete?", fname, name,
      value == "" and "is empty" or "has a space or a line end in it")
  end
end

---@async
---@param fname string
---@param o {access_key: string?, secret_key: string?, session_token: string?, profile: string?}
---@return {access_key: string, secret_key: string, session_token: string?} keys raises kind
---  `usage` where there are none
function keys.of(fname, o)
  local profile = profile_of(o)
  local found = from_options(fname, o)
    or not o.profile and from_environment()
    or from_profile(fname, profile or "default", profile ~= nil)
  if not found then
    arg.fail("%s: there is no key: give `access_key` and `secret_key`, set AWS_ACCESS_KEY_ID and "
      .. "AWS_SECRET_ACCESS_KEY, or name a `profile` of ~/.aws/credentials", fname)
  end
  if found.session_token == "" then found.session_token = nil end
  check(fname, "access key", found.access_key)
  check(fname, "secret key", found.secret_key)
  secrets.cover(found.secret_key)
  if found.session_token then
    check(fname, "session token", found.session_token)
    secrets.cover(found.session_token)
  end
  return found
end

---The region that the environment or the profile names.
---@async
---@return string?
function keys.region(o)
  local named = variable "AWS_REGION" or variable "AWS_DEFAULT_REGION"
  if named and not o.profile then return named end
  return settings_of(profile_of(o) or "default").region or named
end

return keys
