--- What an .ipa says of itself.

---@async
---@param source orch.deploy.Source
---@return {version: string?, build: string?, bundle_id: string?} info
---@return string? problem why it could not be read
return function(source)
  return {}, "reading it is not possible yet"
end
