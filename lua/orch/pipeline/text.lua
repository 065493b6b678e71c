--- Text of unknown origin made fit for JSON and for terminals.
---
---     text.valid "caf\xe9"      -- "caf\u{FFFD}"

local text = {}

local REPLACEMENT = "\u{FFFD}"

---The same text where it is UTF-8; every byte that is not becomes U+FFFD.
---@param bytes string
---@return string
function text.valid(bytes)
  local parts, at = {}, 1
  while at <= #bytes do
    local length, bad = utf8.len(bytes, at)
    if length then
      parts[#parts + 1] = bytes:sub(at)
      break
    end
    parts[#parts + 1] = bytes:sub(at, bad - 1)
    parts[#parts + 1] = REPLACEMENT
    at = bad + 1
  end
  return table.concat(parts)
end

return text
