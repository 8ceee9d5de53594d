package dev.bellwether.stream;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/**
 * One cache and one limit of write buffers for all stores of the process: by default each store, and each of its segments,
 * has its own, so that memory grows with the number of partitions.
 */
public final class BoundedRocksDb implements RocksDBConfigSetter {
    private static final long CACHE_BYTES = 384L << 20;
    private static final long WRITE_BUFFERS_BYTES = 192L << 20;
    private static final long WRITE_BUFFER_BYTES = 16L << 20;

    /** Of the cache: for indexes and filters, without which each look-up reads from the disk. */
    private static final double HIGH_PRIORITY = .4;

    private static final int SHARDS_BY_SIZE = -1;

    /** Of the process, as the library makes one of these for each store. Write buffers are counted within the cache. */
    private static final class Shared {
        private static final Cache CACHE = new LRUCache(CACHE_BYTES, SHARDS_BY_SIZE, false, HIGH_PRIORITY);
        private static final WriteBufferManager WRITE_BUFFERS = new WriteBufferManager(WRITE_BUFFERS_BYTES, CACHE);
    }

    @Override
    public void setConfig(String store, Options options, Map<String, Object> settings) {
        BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
        table.setBlockCache(Shared.CACHE);
        table.setCacheIndexAndFilterBlocks(true);
        table.setCacheIndexAndFilterBlocksWithHighPriority(true);
        table.setPinL0FilterAndIndexBlocksInCache(true);
        table.setPinTopLevelIndexAndFilter(true);
        options.setTableFormatConfig(table);
        options.setWriteBufferManager(Shared.WRITE_BUFFERS);
        options.setWriteBufferSize(WRITE_BUFFER_BYTES);
        options.setMaxWriteBufferNumber(2);
    }

    @Override
    public void close(String store, Options options) {
        // The cache and the buffers are everybody's.
    }
}
