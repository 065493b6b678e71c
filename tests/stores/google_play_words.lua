--- Refusals of the Google Play of the tests.

--- As Google writes what went wrong.
local function refuse(status, message, reason, headers)
  return { status = status, headers = headers, json = { error = { code = status,
    message = message, status = status == 403 and "PERMISSION_DENIED" or nil,
    errors = { { message = message, domain = "androidpublisher", reason = reason } } } } }
end

return refuse
