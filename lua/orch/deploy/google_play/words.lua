--- What Google Play says when it refuses, and what is to be done about it.
---
---     words(response)   -- "Package not found: com.x.", "applicationNotFound", hint, kind

--- Patterns over the sentence and the reason together, all in lower case; the first that fits.
local known = {
  { "apkupgradeversionconflict", "version code.*already been used", kind = "conflict",
    hint = "raise versionCode in the build: Google Play takes every number once, whatever the "
      .. "track and whatever became of it" },
  { "only releases with status draft", "rolloutnotpermittedondraftapp", kind = "rejected",
    hint = "the app was never published: upload with status = \"draft\", and publish it for the "
      .. "first time in the Play Console" },
  { "package not found", "applicationnotfound", kind = "rejected",
    hint = "is the package name right? The first build of an app goes up by hand, in the Play "
      .. "Console" },
  { "has not been used in project", "accessnotconfigured", "service_disabled", kind = "auth",
    hint = "enable the Google Play Android Developer API in the Google Cloud project of the key" },
  { "does not have permission", "insufficient permission", "insufficientpermission",
    "permission_denied", "forbidden", kind = "auth",
    hint = "invite the service account in the Play Console under Users and permissions, with the "
      .. "right to release this app; a new invitation can take a day" },
  { "cannot be sent for review automatically", kind = "rejected",
    hint = "upload with changes_not_sent_for_review = true, then send the changes for review in "
      .. "the Play Console; the build need not be sent again" },
  { "changesnotsentforreview must not be set", kind = "rejected",
    hint = "leave changes_not_sent_for_review out" },
  { "wrong key", "signed with a certificate", kind = "rejected",
    hint = "sign the build with the upload key that the Play Console names under App integrity" },
  { "debug mode", "debuggable", kind = "rejected",
    hint = "build a release: Google Play takes nothing that can be debugged" },
  { "quotaexceeded", "ratelimitexceeded", "quota exceeded", kind = "status",
    hint = "the quota of the Google Cloud project is used up for now" },
}

local function fits(entry, text)
  for _, pattern in ipairs(entry) do
    if text:find(pattern) then return true end
  end
  return false
end

---@param response orch.http.Response
---@return string? sentence
---@return string? reason
---@return string? hint
---@return string? kind where the status alone says it wrong
return function(response)
  local said = response:json().error
  local first = type(said.errors) == "table" and said.errors[1] or {}
  local reason = first.reason or said.status
  local text = ("%s %s"):format(said.message, reason):lower()
  for _, entry in ipairs(known) do
    if fits(entry, text) then return said.message, reason, entry.hint, entry.kind end
  end
  return said.message, reason
end
