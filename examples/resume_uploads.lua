-- Uploads forty files, four at a time, each as a step. Break it off, as rudely as you like,
-- and go on: no file that is up is uploaded again.
--
--   orch run examples/resume_uploads.lua        then Ctrl-C, or kill -9 from elsewhere
--   orch resume                                 uploads the rest
--   orch show                                   which steps were done when
local files = {}
for i = 1, 40 do files[i] = ("texture-%02d.png"):format(i) end

local function upload(file) -- yours: orch.http.upload
  orch.sleep "150ms"
  return "https://cdn.example.com/" .. file
end

orch.job "upload" {
  desc = "Upload the textures",
  run = function(job)
    local done = 0
    local links = orch.map(files, function(file)
      -- The name is what a step is known by, so it comes from the item, not from its index.
      -- What the step returns is kept, and comes from there the next time.
      local link = orch.step("upload " .. file, upload, file)
      done = done + 1
      job:progress(done, #files)
      return link
    end, { concurrency = 4 })
    print(#links .. " files are up, the last as " .. links[#links])
  end,
}
