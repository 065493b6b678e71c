--- Unity's .meta files: the GUID, which importer, whether it is a folder's.

local meta = require "orch.unity.meta"

local function read(source)
  local head = source.head
  local guid = meta.guid_of(head)
  if not guid then source:fail("it %s", meta.fault(head)) end
  return { guid = guid, folder = meta.is_folder(head), importer = meta.importer_of(head) }
end

return { format = "unity_meta", kind = "unity", extensions = { "meta" }, read = read }
