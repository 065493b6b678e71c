--- Names the file in an error about its text.
---
---     return in_file("yaml", path, pcall(decode, text))

---@param kind string of the errors that are about the text
---@param path string
---@param ok boolean what pcall gives
---@param ... any
---@return any ... the results; raises the error, with `path` where it is of that kind
return function(kind, path, ok, ...)
  if ok then return ... end
  local err = ...
  if type(err) == "table" and err.kind == kind and not err.path then
    err.path = path
    err.message = path .. ": " .. err.message
  end
  error(err, 0)
end
