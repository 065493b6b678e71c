--- Pointers of Git LFS: the few lines that stand in place of a large file until `git lfs pull`
--- brings it.
---
---     local pointer = lfs.pointer(fs.read "Assets/rock.png")
---     if pointer then print(pointer.size .. " bytes are not here") end

local lfs = {}

local BEGINS = "version https://git-lfs.github.com/spec/"

---What to say of such a file; completes "it ...".
lfs.sentence = "is a Git LFS pointer, not the file itself; run: git lfs pull"

---What a pointer says, or nil where the text is none.
---@param head string the beginning of a file, 200 bytes are enough
---@return {oid: string, size: integer}? pointer of what it stands for
function lfs.pointer(head)
  if head:sub(1, #BEGINS) ~= BEGINS then return nil end
  local oid, size = head:match "\noid %w+:(%x+)", head:match "\nsize (%d+)"
  return { oid = oid or "", size = math.tointeger(tonumber(size)) or 0 }
end

return lfs
