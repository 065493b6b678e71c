-- What deploy.lua has told the chat last, and written into the database, of the stand-ins.
--
--   orch run examples/deploy/show.lua

for _, message in ipairs(orch.json.load "build/demo/chat.json") do
  local body = message.attachments[1]
  print(message.text)
  if body then print(body.blocks[1].text.text) end
end

print(("\n%-8s %-6s %-10s %-9s %8s"):format("version", "build", "channel", "platform", "MB"))
local db <close> = orch.db.sqlite("build/demo/published.db", { mode = "r" })
for row in db:rows "SELECT * FROM release ORDER BY version, build, channel, platform" do
  print(("%-8s %-6s %-10s %-9s %8.1f"):format(row.version, row.build, row.channel, row.platform,
    row.bytes / 1e6))
end
