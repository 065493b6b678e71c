--- A text with ``` fences, taken apart: at even places stands what was between them.
---
---     fences "log:\n```\na\n```\nend"    --> { "log:", "a", "end" }

---@param text string
---@return string[] parts
return function(text)
  local parts, at = {}, 1
  while true do
    local from, to = text:find("```", at, true)
    local part = text:sub(at, (from or #text + 1) - 1)
    parts[#parts + 1] = part:match "^\n*(.-)%s*$"
    if not from then return parts end
    at = to + 1
  end
end
