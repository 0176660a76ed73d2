// SPDX-License-Identifier: Apache-2.0
// Runs the statements of a file of Flink SQL in a cluster of its own in this process, each to its end; `SET 'key' =
// 'value'` sets an option.
//
// usage: FlinkSql FILE

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

public final class FlinkSql {
    private static final Pattern SET = Pattern.compile("SET '(.*)' = '(.*)'");

    public static void main(String[] arguments) throws Exception {
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        for (String statement : Files.readString(Path.of(arguments[0])).split(";\\s*")) {
            Matcher set = SET.matcher(statement);
            if (set.matches()) {
                tables.getConfig().set(set.group(1), set.group(2));
            } else {
                tables.executeSql(statement).await();
            }
        }
        System.exit(0);
    }
}
